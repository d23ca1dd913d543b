package web

import (
	"fmt"

	"tali/db"
)

// messageView is one SMS with what became of it.
type messageView struct {
	At            stamp
	From, Station string
	Text          string // empty when nothing could be read
	Outcome, Tone string
	Reply, Sent   string // Reply is empty when none is due
}

func newMessage(t tongue, c clock, r db.RecentRow) messageView {
	word := t.outcome(r.Outcome)
	v := messageView{
		At: c.brief(r.At), From: r.Phone, Text: visible(concealSMS(r.Text)),
		Outcome: word.Word, Tone: word.Tone, Reply: visible(concealReply(r.Reply)), Sent: t.sent(r.ReplyState),
	}
	if len(r.Station) == 13 {
		v.Station = fmt.Sprintf("%s TPS %s", r.Village, r.Station[10:])
	}
	return v
}

// sent says what became of a reply.
func (t tongue) sent(s db.ReplyState) string {
	if s == "" {
		return ""
	}
	return t.say("reply." + string(s))
}
