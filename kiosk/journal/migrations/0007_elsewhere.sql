-- Redemptions under another hub, which gave the same names to other coupons: kept, never sent, and no uses here.
CREATE TABLE elsewhere (rid TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
