-- +goose Up
-- What a gateway tells of itself for the staff's page, and what the network
-- tells of a reply after it has left.

ALTER TABLE registry.gateway ADD COLUMN snapshot_at timestamptz;
COMMENT ON COLUMN registry.gateway.snapshot_at IS 'When its registry snapshot was taken; NULL without one. It answers from it while the centre is away';

ALTER TABLE outbox.reply
  ADD COLUMN delivery text CHECK (delivery IN ('delivered', 'failed')),
  ADD COLUMN delivery_at timestamptz;
COMMENT ON COLUMN outbox.reply.delivery IS 'What the network reported of it; NULL as long as it reported nothing, or keeps trying';
COMMENT ON COLUMN outbox.reply.delivery_at IS 'When the report came in';
GRANT UPDATE (delivery, delivery_at) ON outbox.reply TO tali_gateway;
