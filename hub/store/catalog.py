"""Merchant, stores, batches: loading, pausing, telling the kiosks."""

from __future__ import annotations

import json
import os
from typing import Any

import msgspec
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.errors import HubError
from hub.schema import batches, keys, stores, tenants
from hub.secrets import Vault
from hub.store import feed
from kiosk.coupons.batch import Batch, Merchant, Store
from kiosk.sync.protocol import KeyBody


class BatchFile(msgspec.Struct, frozen=True):
    """A file of batches, as `kiosk-hub batch load` takes it."""

    merchant: Merchant
    stores: tuple[Store, ...]
    batches: tuple[Batch, ...]


class Catalog:
    """What the merchant gives, of one tenant."""

    def __init__(self, tenant: str, vault: Vault, public_url: str) -> None:
        self.tenant, self.vault, self.public_url = tenant, vault, public_url.rstrip("/")

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
        import base64

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
        plain = msgspec.structs.replace(batch, number=0, status="running", claimed=0, redeemed=0)
        body = json.loads(msgspec.json.encode(plain))
        row = self._row(c, batch.stock_id)
        if row is None:
            number = c.execute(
                sa.select(tenants.c.next_batch).where(tenants.c.tenant == self.tenant)
            ).scalar_one()
            c.execute(sa.update(tenants).where(tenants.c.tenant == self.tenant).values(next_batch=number + 1))
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
        elif row.body == body and row.status == batch.status:
            return 0
        else:
            where = (batches.c.tenant == self.tenant, batches.c.stock_id == batch.stock_id)
            c.execute(sa.update(batches).where(*where).values(body=body, status=batch.status))
        self.tell_batch(c, batch.stock_id)
        return 1

    # -- reading --

    def _row(self, c: sa.Connection, stock_id: str) -> Any:
        return c.execute(
            sa.select(batches).where(batches.c.tenant == self.tenant, batches.c.stock_id == stock_id)
        ).first()

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
        row = c.execute(
            sa.select(batches).where(batches.c.tenant == self.tenant, batches.c.number == number)
        ).first()
        return None if row is None else self._at(self._build(row), row.paused_stores, store)

    @staticmethod
    def _at(batch: Batch, paused: list[str], store: str | None) -> Batch:
        here = store is not None and store in paused and batch.status == "running"
        return msgspec.structs.replace(batch, status="paused") if here else batch

    def batches(self, c: sa.Connection, store: str | None = None) -> tuple[Batch, ...]:
        """Return every batch in the order loaded."""
        rows = c.execute(sa.select(batches).where(batches.c.tenant == self.tenant).order_by(batches.c.number))
        return tuple(self._at(self._build(r), r.paused_stores, store) for r in rows)

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

    def stores(self, c: sa.Connection) -> tuple[Store, ...]:
        """Return every store."""
        rows = c.execute(sa.select(stores).where(stores.c.tenant == self.tenant).order_by(stores.c.id))
        return tuple(Store(r.id, r.name, r.address, r.image, self.link(r.id), r.home_device) for r in rows)

    def code_key(self, c: sa.Connection) -> bytes:
        """Return the key of short codes' hashes."""
        sealed = c.execute(sa.select(tenants.c.code_key).where(tenants.c.tenant == self.tenant)).scalar()
        if sealed is None:
            raise HubError("there is no merchant yet; load one with `kiosk-hub batch load FILE`.", 1)
        return self.vault.open(sealed, "code key")

    def signing_key(self, c: sa.Connection) -> tuple[int, Ed25519PrivateKey]:
        """Return the newest key slot and its private key."""
        row = c.execute(
            sa.select(keys).where(keys.c.tenant == self.tenant).order_by(keys.c.slot.desc()).limit(1)
        ).one()
        return row.slot, Ed25519PrivateKey.from_private_bytes(self.vault.open(row.private, "signing key"))

    def public_keys(self, c: sa.Connection) -> dict[int, bytes]:
        """Return the public keys by slot."""
        return {
            r.slot: r.public
            for r in c.execute(sa.select(keys.c.slot, keys.c.public).where(keys.c.tenant == self.tenant))
        }

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
            raise HubError(
                f"there is no store {store}; there are: {', '.join(s.id for s in self.stores(c))}.", 1
            )
        else:
            paused = {*row.paused_stores, store} if status == "paused" else {*row.paused_stores} - {store}
            c.execute(sa.update(batches).where(*where).values(paused_stores=sorted(paused)))
        self.tell_batch(c, stock_id)

    def count(self, c: sa.Connection, stock_id: str, **by: int) -> None:
        """Change counters of a batch and tell the kiosks."""
        values = {name: batches.c[name] + n for name, n in by.items() if n}
        if not values:
            return
        c.execute(
            sa.update(batches)
            .where(batches.c.tenant == self.tenant, batches.c.stock_id == stock_id)
            .values(**values)
        )
        self.tell_batch(c, stock_id)

    def tell_batch(self, c: sa.Connection, stock_id: str) -> None:
        """Put a batch into the feed as it is now, for all and for the devices of stores where it is paused."""
        from hub.schema import changes, devices

        row = self._row(c, stock_id)
        feed.put(c, self.tenant, "batch", stock_id, self._build(row))
        if not row.paused_stores and not c.execute(_private(changes, self.tenant, stock_id)).first():
            return
        for device in c.execute(
            sa.select(devices.c.id, devices.c.store).where(devices.c.tenant == self.tenant)
        ):
            feed.put(
                c,
                self.tenant,
                "batch",
                stock_id,
                self._at(self._build(row), row.paused_stores, device.store),
                device.id,
            )


def _private(changes: sa.Table, tenant: str, stock_id: str) -> sa.Select[Any]:
    """Return the query for rows of a batch that were meant for single devices."""
    return sa.select(changes.c.id).where(
        changes.c.tenant == tenant,
        changes.c.type == "batch",
        changes.c.obj == stock_id,
        changes.c.device != "",
    )
