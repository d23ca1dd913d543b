package cards

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"

	"tali/parser"
)

//go:embed page/page.html page/page.css page/sign.js page/form.js page/page.js
var pageFiles embed.FS

// Page writes the offline page: one HTML file without any address in it, for
// browsers as old as ES5.
func Page(w io.Writer, c Card) error {
	if err := c.check(); err != nil {
		return err
	}
	style, err := pageFiles.ReadFile("page/page.css")
	if err != nil {
		return err
	}
	script, err := pageScript()
	if err != nil {
		return err
	}
	layout, err := template.ParseFS(pageFiles, "page/page.html")
	if err != nil {
		return err
	}
	err = layout.Execute(w, page{
		Policy: policy(style, script), Style: template.CSS(style), Script: template.JS(script),
		Station: c.Station, Code: c.TPS.Grouped(), Rehearsal: c.Profile.Phase == parser.PhaseRehearsal,
		Data: c.pageData(),
	})
	if err != nil {
		return fmt.Errorf("page of %s: %w", c.Station, err)
	}
	return nil
}

// page is what the layout needs.
type page struct {
	Policy        string
	Style         template.CSS
	Script        template.JS
	Station, Code string
	Rehearsal     bool
	Data          pageData
}

// pageScript joins the scripts in a function of their own, so that none of
// their names meets one of the browser's.
func pageScript() ([]byte, error) {
	var out bytes.Buffer
	out.WriteString("(function () {\n'use strict';\nvar data = JSON.parse(document.getElementById('data').textContent);\n")
	for _, name := range []string{"sign", "form", "page"} {
		text, err := pageFiles.ReadFile("page/" + name + ".js")
		if err != nil {
			return nil, err
		}
		out.Write(text)
	}
	out.WriteString("start();\n}());\n")
	return out.Bytes(), nil
}

// policy lets exactly this style and this script run, and nothing be loaded.
// Browsers that know hashes ignore 'unsafe-inline'; older ones would run nothing
// without it.
func policy(style, script []byte) string {
	hash := func(text []byte) string {
		sum := sha256.Sum256(text)
		return "'unsafe-inline' 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; script-src " + hash(script) + "; style-src " + hash(style) + "; base-uri 'none'; form-action 'none'"
}

// pageData is what the scripts read; its names are theirs.
type pageData struct {
	Place    string        `json:"place"` // prefix of what the browser keeps
	TPS      string        `json:"tps"`
	Key      string        `json:"key"`   // hex; empty when it is typed or not used
	Check    string        `json:"check"` // hex; empty when no key is used
	Gateways []pageGateway `json:"gateways"`
	Ballots  []pageBallot  `json:"ballots"`
}

type pageGateway struct {
	Number   string `json:"number"`
	Shown    string `json:"shown"`
	Operator string `json:"operator"`
}

type pageBallot struct {
	Digit   string    `json:"digit"`
	Keyword string    `json:"keyword"`
	Title   string    `json:"title"`
	Unit    string    `json:"unit"`
	N       int       `json:"n"`
	Labels  string    `json:"labels"`
	Rows    []pageRow `json:"rows"`
}

type pageRow struct {
	Name string `json:"name"`
	Who  string `json:"who"` // the contestant; empty after the votes
}

func (c *Card) pageData() pageData {
	d := pageData{TPS: string(c.TPS)}
	if c.Secret != nil {
		d.Check = keyCheck(c.Secret.Key)
		if c.Secret.InPage {
			d.Key = hex.EncodeToString(c.Secret.Key)
		}
	}
	// A new round or a new card must not find the figures or the key of the old.
	d.Place = fmt.Sprintf("kt1.%s.%d.%s.%s.", c.Profile.ID, c.Profile.Round, c.TPS, d.Check)
	for _, g := range c.Gateways {
		d.Gateways = append(d.Gateways, pageGateway{g.Number, g.local(), g.Operator})
	}
	for _, b := range c.Profile.Ballots {
		d.Ballots = append(d.Ballots, ballotData(b))
	}
	return d
}

func ballotData(b *parser.Ballot) pageBallot {
	out := pageBallot{Digit: string(b.Digit), Keyword: b.Keyword, Title: b.Title, Unit: b.Unit, N: b.N(), Labels: b.Labels()}
	for i := range b.Rows() {
		row := pageRow{Name: b.RowName(i)}
		if i < b.N() {
			row.Who = b.Contestants[i]
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}

// keyCheck is 16 bits by which the page finds a slip in a typed key. They help
// nobody to guess the other 112.
func keyCheck(key []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("KT1|check"))
	return hex.EncodeToString(mac.Sum(nil)[:2])
}
