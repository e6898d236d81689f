-- Which lease an offline use came from; uses of a lease are counted from here.
ALTER TABLE attempt ADD COLUMN lease TEXT;
CREATE INDEX attempt_lease ON attempt (lease) WHERE lease IS NOT NULL;

-- The coupon that a code stood for, when only its digest is known here.
CREATE INDEX attempt_key ON attempt (code_key) WHERE state = 'recorded';

-- Offline redemptions of a batch, for its caps.
CREATE INDEX attempt_offline ON attempt (stock_id) WHERE state = 'recorded' AND verdict = 'offline';

-- 1: the slip may be on paper and its print job is no longer kept; never printed again as a spare.
ALTER TABLE pool ADD COLUMN closed INTEGER NOT NULL DEFAULT 0;
