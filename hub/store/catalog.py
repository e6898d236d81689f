"""Merchant, stores, batches: loading, pausing, telling the kiosks."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.errors import HubError
from hub.schema import batches, changes, coupons, devices, keys, stores, tenants
from hub.secrets import Vault
from hub.store import feed
from kiosk.coupons.batch import Batch, Merchant, Store
from kiosk.sync.protocol import CodeBody, KeyBody


class BatchFile(msgspec.Struct, frozen=True):
    """A file of batches, as `kiosk-hub batch load` takes it."""

    merchant: Merchant
    stores: tuple[Store, ...]
    batches: tuple[Batch, ...]


def code_entries(
    stock_id: str, names: Iterable[tuple[str, int, int, str]]
) -> list[tuple[str, CodeBody, str]]:
    """Return entries of the feed for coupons (hash, batch number, serial, home): to the home alone where there is one."""
    return [
        (digest, CodeBody(digest, stock_id, f"{number}-{serial}", home), home)
        for digest, number, serial, home in names
    ]


_OF_STOCK = (batches.c.tenant == sa.bindparam("of_tenant"), batches.c.stock_id == sa.bindparam("of_stock"))
_BY_STOCK = sa.select(batches).where(*_OF_STOCK)
_BY_NUMBER = sa.select(batches).where(
    batches.c.tenant == sa.bindparam("of_tenant"), batches.c.number == sa.bindparam("of_number")
)
_COUNT = (
    sa.update(batches)
    .where(*_OF_STOCK)
    .values(
        claimed=batches.c.claimed + sa.bindparam("more_claimed"),
        redeemed=batches.c.redeemed + sa.bindparam("more_redeemed"),
    )
)


class Catalog:
    """What the merchant gives, of one tenant."""

    def __init__(self, tenant: str, vault: Vault, public_url: str) -> None:
        self.tenant, self.vault, self.public_url = tenant, vault, public_url.rstrip("/")
        # Keys never change once made, so they are opened once: a slot that is not known is looked up again.
        self._public: dict[int, bytes] = {}
        self._private: dict[int, Ed25519PrivateKey] = {}
        self._code_key: bytes | None = None

    def link(self, store: str) -> str:
        """Return the permanent link of a store."""
        return f"{self.public_url}/c/{store}"

    # -- loading --

    def load(self, c: sa.Connection, file: BatchFile) -> dict[str, int]:
        """Take a file in: what is new is made, what differs is changed, nothing is removed."""
        self._tenant(c, file.merchant)
        told = {"stores": 0, "batches": 0}
        for store in file.stores:
            told["stores"] += self._store(c, store)
        for batch in file.batches:
            told["batches"] += self._batch(c, batch)
        return told

    def _tenant(self, c: sa.Connection, merchant: Merchant) -> None:
        body = msgspec.to_builtins(merchant)
        row = c.execute(sa.select(tenants).where(tenants.c.tenant == self.tenant)).first()
        if row is None:
            code_key = os.urandom(32)
            sealed = self.vault.seal(code_key, "code key")
            c.execute(
                sa.insert(tenants).values(tenant=self.tenant, merchant=body, code_key=sealed, next_batch=1)
            )
            self._first_key(c)
            feed.put(c, self.tenant, "setting", "code_key", {"value": code_key.hex()})
        elif row.merchant == body:
            return
        else:
            c.execute(sa.update(tenants).where(tenants.c.tenant == self.tenant).values(merchant=body))
        feed.put(c, self.tenant, "merchant", "merchant", body)

    def _first_key(self, c: sa.Connection) -> None:
        private = Ed25519PrivateKey.generate()
        public = private.public_key().public_bytes_raw()
        sealed = self.vault.seal(private.private_bytes_raw(), "signing key")
        c.execute(sa.insert(keys).values(tenant=self.tenant, slot=1, public=public, private=sealed))
        feed.put(c, self.tenant, "key", "1", KeyBody(1, base64.urlsafe_b64encode(public).decode()))

    def _store(self, c: sa.Connection, store: Store) -> int:
        row = c.execute(
            sa.select(stores).where(stores.c.tenant == self.tenant, stores.c.id == store.id)
        ).first()
        values = {"name": store.name, "address": store.address, "image": store.image}
        if row is None:
            c.execute(sa.insert(stores).values(tenant=self.tenant, id=store.id, home_device=None, **values))
        elif all(getattr(row, k) == v for k, v in values.items()):
            return 0
        else:
            c.execute(
                sa.update(stores)
                .where(stores.c.tenant == self.tenant, stores.c.id == store.id)
                .values(**values)
            )
        self.tell_store(c, store.id)
        return 1

    def tell_store(self, c: sa.Connection, store: str) -> None:
        """Put a store into the feed as it is now."""
        feed.put(c, self.tenant, "store", store, self.store(c, store))

    def _batch(self, c: sa.Connection, batch: Batch) -> int:
        plain = msgspec.structs.replace(batch, number=0, claimed=0, redeemed=0)
        body = json.loads(msgspec.json.encode(plain))
        row = self._row(c, batch.stock_id)
        if row is None:
            self._new_batch(c, batch, body)
        elif row.body == body:
            return 0
        else:
            self._may_change(row, batch)
            # A file read again does not restart what was paused here: only a status that changed in the file counts.
            status = row.status if row.body["status"] == batch.status else batch.status
            where = (batches.c.tenant == self.tenant, batches.c.stock_id == batch.stock_id)
            c.execute(sa.update(batches).where(*where).values(body=body, status=status))
            if batch.offline.policy != "never" and row.body.get("offline", {}).get("policy") == "never":
                self._tell_codes(c, row)
        self.tell_batch(c, batch.stock_id)
        return 1

    def _new_batch(self, c: sa.Connection, batch: Batch, body: dict[str, Any]) -> None:
        mine = tenants.c.tenant == self.tenant
        number = c.execute(sa.select(tenants.c.next_batch).where(mine).with_for_update()).scalar_one()
        c.execute(sa.update(tenants).where(mine).values(next_batch=number + 1))
        c.execute(
            sa.insert(batches).values(
                tenant=self.tenant,
                stock_id=batch.stock_id,
                number=number,
                body=body,
                status=batch.status,
                paused_stores=[],
                issued=0,
                claimed=0,
                redeemed=0,
            )
        )

    def _tell_codes(self, c: sa.Connection, row: Any) -> None:
        """Let kiosks know the codes of a batch that they may judge alone from now on."""
        where = (coupons.c.tenant == self.tenant, coupons.c.batch == row.number)
        query = sa.select(coupons.c.short_hash, coupons.c.batch, coupons.c.serial, coupons.c.home_device)
        names = [
            (h, number, serial, home or "") for h, number, serial, home in c.execute(query.where(*where))
        ]
        hashes = sa.select(coupons.c.short_hash).where(*where)
        told = (changes.c.tenant == self.tenant, changes.c.type == "code", changes.c.obj.in_(hashes))
        c.execute(sa.delete(changes).where(*told))
        feed.put_new(c, self.tenant, "code", code_entries(row.stock_id, names))

    @staticmethod
    def _may_change(row: Any, batch: Batch) -> None:
        """Refuse what would make coupons that customers hold mean something else."""
        old = msgspec.convert(row.body, Batch)
        for name in ("product", "kind", "max_uses") if row.issued else ():
            if getattr(old, name) != getattr(batch, name):
                raise HubError(
                    f"batch {batch.stock_id}: {row.issued} coupons of it were issued, so its {name} stays "
                    f"{getattr(old, name)}; load the change as a batch with another stock_id."
                )

    # -- reading --

    def _row(self, c: sa.Connection, stock_id: str) -> Any:
        return c.execute(_BY_STOCK, {"of_tenant": self.tenant, "of_stock": stock_id}).first()

    def _build(self, row: Any) -> Batch:
        body = {
            **row.body,
            "number": row.number,
            "status": row.status,
            "claimed": row.claimed,
            "redeemed": row.redeemed,
        }
        return msgspec.convert(body, Batch)

    def batch(self, c: sa.Connection, stock_id: str, store: str | None = None) -> Batch | None:
        """Return a batch with its counters; paused where it is paused for the store."""
        row = self._row(c, stock_id)
        return None if row is None else self._at(self._build(row), row.paused_stores, store)

    def by_number(self, c: sa.Connection, number: int, store: str | None = None) -> Batch | None:
        """Return a batch by its number in signed codes."""
        row = c.execute(_BY_NUMBER, {"of_tenant": self.tenant, "of_number": number}).first()
        return None if row is None else self._at(self._build(row), row.paused_stores, store)

    @staticmethod
    def _at(batch: Batch, paused: list[str], store: str | None) -> Batch:
        here = store is not None and store in paused and batch.status == "running"
        return msgspec.structs.replace(batch, status="paused") if here else batch

    def batches(self, c: sa.Connection, store: str | None = None) -> tuple[Batch, ...]:
        """Return every batch in the order loaded."""
        rows = c.execute(sa.select(batches).where(batches.c.tenant == self.tenant).order_by(batches.c.number))
        return tuple(self._at(self._build(r), r.paused_stores, store) for r in rows)

    def paused_stores(self, c: sa.Connection) -> dict[str, list[str]]:
        """Return the stores where a batch that runs elsewhere is paused, by batch."""
        rows = c.execute(
            sa.select(batches.c.stock_id, batches.c.paused_stores).where(batches.c.tenant == self.tenant)
        )
        return {r.stock_id: list(r.paused_stores) for r in rows if r.paused_stores}

    def merchant(self, c: sa.Connection) -> Merchant | None:
        """Return the merchant."""
        body = c.execute(sa.select(tenants.c.merchant).where(tenants.c.tenant == self.tenant)).scalar()
        return None if body is None else msgspec.convert(body, Merchant)

    def store(self, c: sa.Connection, store: str) -> Store | None:
        """Return a store with its link."""
        row = c.execute(sa.select(stores).where(stores.c.tenant == self.tenant, stores.c.id == store)).first()
        if row is None:
            return None
        return Store(row.id, row.name, row.address, row.image, self.link(row.id), row.home_device)

    def no_store(self, c: sa.Connection, store: str) -> HubError:
        """Return the error for a store that is not there."""
        known = ", ".join(s.id for s in self.stores(c)) or "none, load some with `kiosk-hub batch load FILE`"
        return HubError(f"there is no store {store}; there are: {known}.", 1)

    def stores(self, c: sa.Connection) -> tuple[Store, ...]:
        """Return every store."""
        rows = c.execute(sa.select(stores).where(stores.c.tenant == self.tenant).order_by(stores.c.id))
        return tuple(Store(r.id, r.name, r.address, r.image, self.link(r.id), r.home_device) for r in rows)

    def any_sealed(self, c: sa.Connection) -> bytes | None:
        """Return something that was sealed with this hub's secret, or None when nothing was."""
        sealed = c.execute(sa.select(tenants.c.code_key).limit(1)).scalar()
        return None if sealed is None else bytes(sealed)

    def code_key(self, c: sa.Connection) -> bytes:
        """Return the key of short codes' hashes, to make some; HubError when there is no merchant."""
        if (key := self.code_key_if_any(c)) is None:
            raise HubError("there is no merchant yet; load one with `kiosk-hub batch load FILE`.", 1)
        return key

    def code_key_if_any(self, c: sa.Connection) -> bytes | None:
        """Return the key of short codes' hashes; None while there is no merchant, so that no code was ever made."""
        if self._code_key is None:
            sealed = c.execute(sa.select(tenants.c.code_key).where(tenants.c.tenant == self.tenant)).scalar()
            if sealed is not None:
                self._code_key = self.vault.open(sealed, "code key")
        return self._code_key

    def signing_key(self, c: sa.Connection) -> tuple[int, Ed25519PrivateKey]:
        """Return the newest key slot and its private key."""
        slot = c.execute(sa.select(sa.func.max(keys.c.slot)).where(keys.c.tenant == self.tenant)).scalar_one()
        return slot, self.private_key(c, slot)

    def private_key(self, c: sa.Connection, slot: int) -> Ed25519PrivateKey:
        """Return the private key of a slot."""
        if slot not in self._private:
            where = (keys.c.tenant == self.tenant, keys.c.slot == slot)
            sealed = c.execute(sa.select(keys.c.private).where(*where)).scalar_one()
            self._private[slot] = Ed25519PrivateKey.from_private_bytes(self.vault.open(sealed, "signing key"))
        return self._private[slot]

    def public_keys(self, c: sa.Connection, slot: int) -> dict[int, bytes]:
        """Return the public keys by slot, that of `slot` among them if there is one."""
        if slot not in self._public:
            rows = c.execute(sa.select(keys.c.slot, keys.c.public).where(keys.c.tenant == self.tenant))
            self._public = {r.slot: bytes(r.public) for r in rows}
        return self._public

    # -- changing --

    def set_status(self, c: sa.Connection, stock_id: str, status: str, store: str | None = None) -> None:
        """Pause or restart a batch, everywhere or in one store."""
        row = self._row(c, stock_id)
        if row is None:
            known = ", ".join(b.stock_id for b in self.batches(c)) or "none"
            raise HubError(f"there is no batch {stock_id}; there are: {known}.", 1)
        if row.status == "ended":
            raise HubError(f"batch {stock_id} has ended and can neither be paused nor restarted.", 1)
        where = (batches.c.tenant == self.tenant, batches.c.stock_id == stock_id)
        if store is None:
            c.execute(sa.update(batches).where(*where).values(status=status, paused_stores=[]))
        elif self.store(c, store) is None:
            raise self.no_store(c, store)
        else:
            paused = {*row.paused_stores, store} if status == "paused" else {*row.paused_stores} - {store}
            c.execute(sa.update(batches).where(*where).values(paused_stores=sorted(paused)))
        feed.forget(c, self.tenant, "batch", stock_id)
        self.tell_batch(c, stock_id)

    def count(self, c: sa.Connection, stock_id: str, *, claimed: int = 0, redeemed: int = 0) -> None:
        """Change counters of a batch. Kiosks are told of claims: what is left is shown; redemptions would wake a whole fleet."""
        more = {
            "of_tenant": self.tenant,
            "of_stock": stock_id,
            "more_claimed": claimed,
            "more_redeemed": redeemed,
        }
        c.execute(_COUNT, more)
        if claimed:
            self.tell_batch(c, stock_id)

    def tell_batch(self, c: sa.Connection, stock_id: str) -> None:
        """Put a batch into the feed as it is now: for all, then for the kiosks of stores where it is paused."""
        row = self._row(c, stock_id)
        batch = self._build(row)
        feed.put(c, self.tenant, "batch", stock_id, batch)
        if not row.paused_stores:
            return
        where = (devices.c.tenant == self.tenant, devices.c.store.in_(row.paused_stores))
        for device in c.execute(sa.select(devices.c.id, devices.c.store).where(*where)).all():
            here = self._at(batch, row.paused_stores, device.store)
            feed.put(c, self.tenant, "batch", stock_id, here, device.id)

    def tell_device(self, c: sa.Connection, device: str, store: str) -> None:
        """Tell a kiosk that has come to a store which batches are paused there."""
        everywhere = {batch.stock_id: batch.status for batch in self.batches(c)}
        for batch in self.batches(c, store):
            if batch.status != everywhere[batch.stock_id]:
                feed.put(c, self.tenant, "batch", batch.stock_id, batch, device)
