package bench

import (
	"fmt"
	"slices"

	"tali/parser"
	"tali/parser/typist"
)

// faultCount is what became of the SMS of one class.
type faultCount struct {
	sent, refused, asked, same int
	other                      int // taken with other figures or for another ballot
	elsewhere                  int // would be taken for another station if any phone might report for any
	relations                  int // other content that the relations alone let through
	example                    string
}

func (c *faultCount) add(other *faultCount) {
	c.sent, c.refused, c.asked, c.same = c.sent+other.sent, c.refused+other.refused, c.asked+other.asked, c.same+other.same
	c.other, c.elsewhere, c.relations = c.other+other.other, c.elsewhere+other.elsewhere, c.relations+other.relations
	if c.example == "" {
		c.example = other.example
	}
}

// take decides a message that suffered a fault.
func (c *faultCount) take(booth *booth, p *parser.Profile, m typist.Message, text string) {
	c.sent++
	booth.begin(p, m.TPS)
	rep := parser.Parse(p, text)
	same := rep.Ballot == m.Ballot && slices.Equal(rep.Figures, m.Figures)
	v := booth.first(&rep, text)
	switch {
	case v.Entry != nil && (v.Entry.Case.Ballot != m.Ballot.Keyword || !slices.Equal(v.Entry.Figures, m.Figures)):
		c.other++
		c.example = fmt.Sprintf("sent %q, read %q", m.Text(), text)
	case v.Entry != nil:
		c.same++
	case v.Asks != nil:
		c.asked++
	default:
		c.refused++
	}
	if rep.Consistent() && rep.TPS.Valid() && rep.TPS != m.TPS {
		c.elsewhere++
	}
	if rep.Complete() && len(rep.Broken) == 0 && rep.TPS == m.TPS && !same {
		c.relations++
	}
}

// faultRows is the table of the classes.
func (t *tallied) faultRows() []Row {
	var all faultCount
	rows := []Row{{Name: "a single fault", Value: "sent\trefused\tasked\ttaken as meant\tother content\tbounds (95 %)\tanother station\trelations alone"}}
	for i, f := range typist.Faults() {
		c := &t.faults[i]
		all.add(c)
		rows = append(rows, c.row(f.Name))
		if c.example != "" {
			rows = append(rows, Row{Name: "  " + c.example})
		}
	}
	return append(rows, all.row("all classes"))
}

func (c *faultCount) row(name string) Row {
	low, high := share{c.other, c.sent}.bounds()
	return Row{
		Name: name,
		Value: fmt.Sprintf("%d\t%d\t%d\t%d\t%d\t%.2g to %.2g\t%d\t%d",
			c.sent, c.refused, c.asked, c.same, c.other, low, high, c.elsewhere, c.relations),
		Target: "0 with other content", Met: c.other == 0,
	}
}
