-- +goose Up
-- A gateway stands where the modems are, often in somebody else's building. Of
-- decisions it needs the state, not who decided and why; of the rest nothing.

REVOKE SELECT ON tally.decision FROM tali_gateway;
GRANT SELECT (id, election, station, ballot, round, revision, state) ON tally.decision TO tali_gateway;
REVOKE SELECT ON registry.contestant, registry.tps_sequence, registry.card FROM tali_gateway;

COMMENT ON TABLE registry.incarnation IS 'One row: this life of the centre. A restore replaces the id; a promotion raises the timeline of the write-ahead log, which gateways read beside it. They offer their last hours again when either is another one';
