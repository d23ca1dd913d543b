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

func newMessage(c clock, r db.RecentRow) messageView {
	word := wordOf(r.Outcome)
	v := messageView{
		At: c.brief(r.At), From: r.Phone, Text: visible(concealSMS(r.Text)),
		Outcome: word.Word, Tone: word.Tone, Reply: visible(concealReply(r.Reply)), Sent: sentWord(r.ReplyState),
	}
	if len(r.Station) == 13 {
		v.Station = fmt.Sprintf("%s TPS %s", r.Village, r.Station[10:])
	}
	return v
}

func sentWord(s db.ReplyState) string {
	switch s {
	case db.ReplySent:
		return "terkirim"
	case db.ReplyQueued, db.ReplyLeased:
		return "sedang menunggu dikirim"
	case db.ReplyFailed:
		return "gagal dikirim"
	case db.ReplyUnknown:
		return "tidak pasti terkirim"
	}
	return string(s)
}
