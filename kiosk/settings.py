"""What kiosk.toml may say: every setting with its type, default, bounds and a description.

The reference is generated from these. Who reads them imports them from `kiosk.config`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

DEFAULT_DATA_DIR = "/var/lib/kiosk"

Port = Annotated[int, Meta(ge=0, le=65535)]
Pin = Annotated[int, Meta(ge=0, le=27, description="BCM number of a pin.", examples=[17])]
Clock = Annotated[
    str,
    Meta(
        pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$",
        description="A time of day, or empty.",
        examples=["22:00"],
    ),
]
Listen = Annotated[
    str,
    Meta(
        pattern=r"^(\[[0-9a-fA-F:]+\]|[0-9A-Za-z_.-]+):\d{1,5}$",
        description="Address and port to listen on.",
        examples=["127.0.0.1:8080"],
    ),
]
HttpUrl = Annotated[
    str,
    Meta(
        pattern=r"^(https?://[^\s/]+.*)?$",
        description="An http or https address.",
        examples=["https://hub.example.cn"],
    ),
]


class Hub(Struct, frozen=True, kw_only=True):
    """The cloud service."""

    url: HttpUrl = ""
    token_file: Annotated[
        str, Meta(description="File with an enrolment token, read once.", examples=["/boot/kiosk-token"])
    ] = ""
    name: Annotated[str, Meta(max_length=60, description="What the fleet console calls this kiosk.")] = ""


class TlsFiles(Struct, frozen=True, forbid_unknown_fields=True):
    """A certificate of the shop's own."""

    cert: str
    key: str


class Web(Struct, frozen=True, kw_only=True):
    """The counter page, the staff console and the local API."""

    listen: Listen = "127.0.0.1:8080"
    lan: Annotated[
        str,
        Meta(
            pattern=r"^((\[[0-9a-fA-F:]+\]|[0-9A-Za-z_.-]+):\d{1,5})?$",
            description="Address at which the shop's network reaches the console besides, always with TLS; empty: it does not.",
            examples=["0.0.0.0:8443"],
        ),
    ] = ""
    tls: Annotated[
        Literal["off", "auto"] | TlsFiles,
        Meta(description='"off", "auto" (own certificate beyond loopback) or { cert, key }.'),
    ] = "auto"
    pin: Annotated[
        str,
        Meta(
            pattern=r"^(\d{4,12})?$",
            description="PIN of the staff console, 4 to 12 digits; empty: one is made and kept in the data directory.",
            examples=["4711"],
        ),
    ] = ""
    hosts: Annotated[
        tuple[str, ...],
        Meta(
            description="Names under which a reverse proxy passes requests on; addresses and .local names always work.",
            examples=["kiosk.shop.example"],
        ),
    ] = ()


class Shop(Struct, frozen=True, kw_only=True):
    """When the shop is open; outside these hours the screen is dark."""

    hours: Annotated[str, Meta(description="Daily hours; empty: always open.", examples=["08:00-22:30"])] = ""
    by_day: Annotated[
        dict[str, str], Meta(description="Other hours by weekday, 1 is Monday.", examples=["10:00-18:00"])
    ] = field(default_factory=dict)
    holidays: Annotated[
        tuple[str, ...],
        Meta(description="Days or spans of days without opening.", examples=["2027-02-16..2027-02-22"]),
    ] = ()


class Screen(Struct, frozen=True, kw_only=True):
    """How the counter page looks."""

    look: Annotated[Literal["warm", "fresh", "plain"], Meta(description="Look of the counter page.")] = "warm"
    colour: Annotated[
        str,
        Meta(
            pattern=r"^(#[0-9a-fA-F]{6})?$",
            description="The merchant's colour; empty: the look's own.",
            examples=["#0a7460"],
        ),
    ] = ""
    logo: Annotated[
        str, Meta(description="Picture beside the merchant's name.", examples=["/etc/kiosk/logo.png"])
    ] = ""
    pictures: Annotated[
        str,
        Meta(
            description="Directory of the merchant's own pictures and clips, shown between the coupons.",
            examples=["/var/lib/kiosk/pictures"],
        ),
    ] = ""
    nobody: Annotated[
        Literal["dim", "dark", "stay"],
        Meta(
            description="What the screen does when the presence sensor has seen nobody for a while: dim all but the code, go dark, or stay."
        ),
    ] = "dim"
    nobody_after_s: Annotated[
        float, Meta(ge=30, le=86_400, description="Seconds without anybody after which it does so.")
    ] = 300


Url = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9+]+://", description="Address of the device.", examples=["tcp://192.168.1.50:9100"]
    ),
]


class Printer(Struct, frozen=True, kw_only=True):
    """One slip printer; they are tried in the order written."""

    url: Url
    profile: Annotated[
        str, Meta(description="generic-58, generic-80 or graphic-safe.", examples=["generic-58"])
    ] = "generic-58"
    mirror: Annotated[
        bool, Meta(description="Gets a copy of every slip instead of standing in for the others.")
    ] = False
    override: Annotated[
        dict[str, bool | int | str],
        Meta(
            description="What this printer does otherwise than its profile says; the keys are in printing.md.",
            examples=[{"cut": False, "drawer_on_ms": 100}],
        ),
    ] = field(default_factory=dict)


class Feie(Struct, frozen=True, kw_only=True):
    """Account at Feie (a single shop without a hub)."""

    user: Annotated[str, Meta(description="Name of the account, an e-mail address.")] = ""
    ukey: Annotated[str, Meta(description="Account key; prefer ukey_file.")] = ""
    ukey_file: Annotated[str, Meta(description="File with the account key, mode 0600.")] = ""
    base_url: HttpUrl = "https://api.feieyun.cn/Api/Open/"


class Yilianyun(Struct, frozen=True, kw_only=True):
    """Application at Yilianyun (a single shop without a hub)."""

    client_id: Annotated[str, Meta(description="Number of the application.")] = ""
    client_secret: Annotated[str, Meta(description="Application secret; prefer client_secret_file.")] = ""
    client_secret_file: Annotated[str, Meta(description="File with the application secret, mode 0600.")] = ""
    base_url: HttpUrl = "https://open-api.10ss.net/v2"
    api_version: Annotated[int, Meta(ge=1, le=2, description="Version of the interface.")] = 2


class CloudAccount(Struct, frozen=True, kw_only=True):
    """Account at a further cloud of printers, named by the scheme of its addresses (a single shop without a hub)."""

    user: Annotated[str, Meta(description="Name of the account.")] = ""
    key: Annotated[str, Meta(description="Account key; prefer key_file.")] = ""
    key_file: Annotated[str, Meta(description="File with the account key, mode 0600.")] = ""
    base_url: HttpUrl = ""


class Scanner(Struct, frozen=True, kw_only=True):
    """One code scanner."""

    url: Url


class Till(Struct, frozen=True, kw_only=True):
    """One cash register that pushes the sale over a line; tills on the network may use the local API instead."""

    url: Url
    scanner: Annotated[
        str, Meta(description="Scanner whose next code the sale is for; empty: whichever reads first.")
    ] = ""


class Display(Struct, frozen=True, kw_only=True):
    """One small display for codes or text."""

    url: Url
    brightness: Annotated[int, Meta(ge=0, le=100, description="Per cent.")] = 80


class Speaker(Struct, frozen=True, kw_only=True):
    """One cloud speaker. Experimental."""

    url: Url
    token_file: Annotated[
        str, Meta(description="File with the token of the account, or the password at the broker.")
    ] = ""
    user: Annotated[str, Meta(description="User at the broker.")] = ""
    base_url: Annotated[
        HttpUrl, Meta(description="Address of the maker's service; empty: the public one.")
    ] = ""


class Gpio(Struct, frozen=True, kw_only=True):
    """Button, lights, buzzer, relay and sensors on the pins (BCM numbers)."""

    factory: Annotated[Literal["none", "sim", "mock", "lgpio"], Meta(description="Who drives the pins.")] = (
        "none"
    )
    button: Pin | None = None
    red: Pin | None = None
    green: Pin | None = None
    blue: Pin | None = None
    buzzer: Pin | None = None
    hold_s: Annotated[
        float,
        Meta(ge=0, le=10, description="Seconds after which a press is a long one, for staff; 0: never."),
    ] = 0
    buzzer_kind: Annotated[
        Literal["active", "passive"], Meta(description="Beeps by itself, or a piezo disc that needs a tone.")
    ] = "active"
    quiet_from: Annotated[Clock, Meta(description="Begin of the hours without beeps, shop time.")] = ""
    quiet_to: Annotated[Clock, Meta(description="End of the hours without beeps.")] = ""
    drawer: Annotated[Pin | None, Meta(description="Relay of a cash drawer.")] = None
    drawer_pulse_s: Annotated[float, Meta(ge=0.02, le=1, description="How long the relay is on.")] = 0.2
    presence: Annotated[Pin | None, Meta(description="Radar or PIR sensor, active high.")] = None
    presence_hold_s: Annotated[
        float, Meta(ge=1, le=3600, description="Seconds without movement after which nobody is there.")
    ] = 30
    power_good: Annotated[
        Pin | None,
        Meta(description="Line of a UPS; the kiosk stops cleanly when it says that the mains are gone."),
    ] = None
    power_good_level: Annotated[
        Literal["high", "low"], Meta(description="Level of that line while the mains are there.")
    ] = "high"


class Sound(Struct, frozen=True, kw_only=True):
    """Beeps and speech at the counter."""

    speech: Annotated[bool, Meta(description="Say outcomes aloud where the board has a sound card.")] = True
    device: Annotated[
        str, Meta(min_length=1, description="ALSA's name of the card.", examples=["plughw:1,0"])
    ] = "default"
    clips: Annotated[
        str,
        Meta(
            description="Directory of the shop's own recordings, one KIND.wav for each outcome.",
            examples=["/etc/kiosk/sounds"],
        ),
    ] = ""
    quiet_from: Annotated[Clock, Meta(description="Begin of the hours without any sound, shop time.")] = ""
    quiet_to: Annotated[Clock, Meta(description="End of the hours without any sound.")] = ""


class HandOut(Struct, frozen=True, kw_only=True):
    """Slip coupons at the press of a button."""

    stock_id: Annotated[str, Meta(description="Batch of the slips; empty: the first running slip batch.")] = (
        ""
    )
    pool: Annotated[int, Meta(ge=0, le=1000, description="Codes kept ready.")] = 200
    refill_at: Annotated[
        float, Meta(ge=0, le=1, description="Share of the pool at which more are fetched.")
    ] = 0.5
    cooldown_s: Annotated[float, Meta(ge=0, le=3600, description="Seconds between two slips.")] = 20
    hourly: Annotated[int, Meta(ge=0, le=10_000, description="Slips an hour at most.")] = 30
    daily: Annotated[int, Meta(ge=0, le=100_000, description="Slips a day at most.")] = 200


class Slips(Struct, frozen=True, kw_only=True):
    """Slips that come by themselves."""

    receipt: Annotated[bool, Meta(description="Print the record of each redemption.")] = False
    conflict: Annotated[
        bool,
        Meta(
            description="Print a notice when the hub finds that a coupon honoured here was used elsewhere too."
        ),
    ] = True


class Log(Struct, frozen=True, kw_only=True):
    """Logging."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="Least level written.")
    ] = "info"


class Settings(Struct, frozen=True, kw_only=True):
    """All of kiosk.toml."""

    data_dir: Annotated[
        str, Meta(min_length=1, description="Where the journal, the keys and made files live.")
    ] = DEFAULT_DATA_DIR
    locale: Annotated[Literal["zh_CN", "en"], Meta(description="Language of screen and slips.")] = "zh_CN"
    hub: Hub = Hub()
    web: Web = Web()
    shop: Shop = Shop()
    screen: Screen = Screen()
    printers: dict[str, Printer] = field(default_factory=dict)
    feie: Feie = Feie()
    yilianyun: Yilianyun = Yilianyun()
    clouds: dict[str, CloudAccount] = field(default_factory=dict)
    scanners: dict[str, Scanner] = field(default_factory=dict)
    tills: dict[str, Till] = field(default_factory=dict)
    displays: dict[str, Display] = field(default_factory=dict)
    speakers: dict[str, Speaker] = field(default_factory=dict)
    gpio: Gpio = Gpio()
    sound: Sound = Sound()
    hand_out: HandOut = HandOut()
    slips: Slips = Slips()
    log: Log = Log()
