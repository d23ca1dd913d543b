-- +goose Up
-- Whether an older program may go on working here is known to who writes the
-- migration, not to that program. One that only adds leaves this row as it is;
-- after one that takes something away, or expects from every writer what older
-- programs do not do, the row says its number.

CREATE TABLE registry.compatibility (
  one    boolean PRIMARY KEY DEFAULT true CHECK (one),
  oldest bigint NOT NULL
);
COMMENT ON TABLE registry.compatibility IS 'Which programs may work with this schema; one row';
COMMENT ON COLUMN registry.compatibility.oldest IS 'A program must know the schema of this number, that is the migration, or a newer one';
INSERT INTO registry.compatibility (oldest) VALUES (52);
GRANT SELECT ON registry.compatibility TO tali_gateway, tali_desk;
