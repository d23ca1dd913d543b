package archive

import "fmt"

// readme tells whoever finds the directory what it is.
func readme(m Manifest) string {
	return fmt.Sprintf(`Arsip pemilihan / archive of an election: %s (%s)

Isinya nomor telepon dan teks SMS petugas: jangan disebarkan.
It holds phone numbers and SMS of officers: keep it as you kept the database.

Each *.tsv.gz is one table: a line of column names, then one row a line, columns
between tabs, \N for no value, \n \t \\ for a newline, a tab, a backslash in a text.
%s says how many rows each has, and when and by what it was written.

Check it with public tools:

  sha256sum -c --strict SHA256SUMS
  openssl pkeyutl -verify -pubin -inkey public.pem -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig

Compare public.pem with the key that was published elsewhere.

Read it:        gzip -dc tally.entry.tsv.gz | less
Query it, in any PostgreSQL 15 or newer, in an empty database of its own:

  createdb arsip
  psql -d arsip -f schema.sql
  for f in *.tsv.gz; do gzip -dc "$f" | psql -d arsip -c "COPY ${f%%.tsv.gz} FROM STDIN WITH (FORMAT text, HEADER match)"; done
`, m.Name, m.Code, manifestFile)
}
