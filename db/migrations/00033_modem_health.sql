-- +goose Up
-- What a gateway knows of its SIMs, for the staff's page. The gateway may write
-- the rows of modems already; nobody is granted more.

ALTER TABLE registry.modem
  ADD COLUMN heard_at   timestamptz,
  ADD COLUMN signal_dbm smallint CHECK (signal_dbm < 0),
  ADD COLUMN slots_used integer CHECK (slots_used >= 0),
  ADD COLUMN slots      integer CHECK (slots > 0),
  ADD COLUMN balance    integer CHECK (balance >= 0),
  ADD COLUMN balance_at timestamptz;
COMMENT ON COLUMN registry.modem.heard_at IS 'When the modem last answered its gateway, which told the rest then; NULL: never';
COMMENT ON COLUMN registry.modem.signal_dbm IS 'NULL: the modem did not tell';
COMMENT ON COLUMN registry.modem.slots_used IS 'Of the store that SMS arrive in; full, the network holds back what follows';
COMMENT ON COLUMN registry.modem.balance IS 'Rupiah, as the operator answered at balance_at; NULL: never asked, or no answer';
