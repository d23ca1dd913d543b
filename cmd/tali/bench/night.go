package bench

import (
	"fmt"
	"slices"

	"tali/parser"
	"tali/parser/typist"
	"tali/verify"
)

// nightCount is what became of the SMS of the mixed scenario. "Silently" is taken
// at once, without FORM, with other content than the paper form's.
type nightCount struct {
	asked, refused, right int
	bound                 share // silently wrong, each phone bound to its station
	unbound               share // and if any phone might report for any station
	relations             share // and if nothing but the relations were looked at
	contradicting         int   // of bound: the form contradicts itself, and a slip made it hold

	rightK, wrongK share // offers on consistent forms that were right; K as on the form, or not
	swaps          share // two rows offered as exchanged, rightly
}

func (c *nightCount) add(other *nightCount) {
	c.asked, c.refused, c.right = c.asked+other.asked, c.refused+other.refused, c.right+other.right
	c.contradicting += other.contradicting
	c.bound.add(other.bound)
	c.unbound.add(other.unbound)
	c.relations.add(other.relations)
	c.rightK.add(other.rightK)
	c.wrongK.add(other.wrongK)
	c.swaps.add(other.swaps)
}

// take decides one SMS of the night, and answers as it is asked to.
func (c *nightCount) take(booth *booth, p *parser.Profile, typed typist.Typed) error {
	text := typed.Text()
	rep := parser.Parse(p, text)
	meant := rep.Ballot == typed.Ballot && slices.Equal(rep.Figures, typed.Form)
	c.relations.count(rep.Complete() && len(rep.Broken) == 0 && rep.TPS == typed.TPS && !meant)
	elsewhere := rep.Consistent() && rep.TPS.Valid() && rep.TPS != typed.TPS

	booth.begin(p, typed.TPS)
	v := booth.send(text)
	wrong := v.Entry != nil && (v.Entry.Case.Ballot != typed.Ballot.Keyword || !slices.Equal(v.Entry.Figures, typed.Form))
	c.bound.count(wrong)
	c.unbound.count(wrong || elsewhere)
	switch {
	case wrong && !typed.Ballot.Keeps(typed.Form):
		c.contradicting++
	case wrong:
	case v.Entry != nil:
		c.right++
	case v.Asks == nil:
		c.refused++
	default:
		c.asked++
		return c.answer(booth, v, typed)
	}
	return nil
}

// answer does as the question says, and compares what is taken with the form.
func (c *nightCount) answer(booth *booth, v verify.Verdict, typed typist.Typed) error {
	if v.Asks.Kind == verify.KindAskTPS {
		v = booth.send("YA")
	}
	if _, ok := offer(v); !ok {
		return nil
	}
	taken, err := booth.take(v, typed.Text())
	if err != nil {
		return err
	}
	right := slices.Equal(taken.Entry.Figures, typed.Form)
	switch {
	case !typed.Ballot.Keeps(typed.Form):
	case v.Asks.Kind == verify.KindAskSwap:
		c.swaps.count(right)
	case typed.Ballot.IsK(typed.Form, typed.K):
		c.rightK.count(right)
	default:
		c.wrongK.count(right)
	}
	return nil
}

func (c *nightCount) rows() []Row {
	offers := c.rightK
	offers.add(c.wrongK)
	return []Row{
		{Name: "a whole night", Value: "\tbounds (95 %)"},
		{Name: "sent, refused, asked, taken as on the form", Value: fmt.Sprintf("%d, %d, %d, %d", c.bound.of, c.refused, c.asked, c.right)},
		{"silently wrong, phone bound to its station", c.bound.rare(), fmt.Sprintf("<= %.0e", mixedTarget), c.bound.value() <= mixedTarget},
		{Name: "  of those the form contradicts itself", Value: fmt.Sprint(c.contradicting)},
		{Name: "silently wrong, any phone for any station", Value: c.unbound.rare()},
		{Name: "silently wrong, relations alone", Value: c.relations.rare()},
		atLeast("offers right, on forms without contradiction", offers, offerFloor),
		atLeast("  where K is as on the form", c.rightK, offerTarget),
		{Name: "  where K is wrong too", Value: c.wrongK.percent()},
		{Name: "exchanged rows offered rightly", Value: c.swaps.percent()},
	}
}
