package verify

import "time"

// QuestionKey names the one question that may be open: of a phone, about a ballot.
type QuestionKey struct {
	Phone  string // E.164
	Ballot string // first keyword
}

// Question is what an officer was asked and has not answered yet. Kind is that
// of the reply that asked it, and says which answers are admitted.
type Question struct {
	Phone   string
	Ballot  string
	Kind    string
	Message Key       // that gave rise to it
	Station string    // 13-digit code; empty while it is the station that is asked about
	Draft   string    // the tally as typed, its words in form order
	Offer   string    // the tally that YA, or the other ballot's keyword, stands for; empty if none
	Asked   string    // the text that the officer got
	At      time.Time // of receipt of the message: the question lapses by it

	// The K that was asked about, and the message that first brought it: the same
	// K again is an answer, a copy of that message is not.
	K     string
	KAt   time.Time
	KSent time.Time
}

// Key is the key of q.
func (q *Question) Key() QuestionKey { return QuestionKey{Phone: q.Phone, Ballot: q.Ballot} }

// copyWindow is how long the same K from the same phone is taken for a copy of
// the message that brought it: phones and networks repeat themselves.
const copyWindow = 3 * time.Minute

// open is the question of this phone about that ballot, nil when there is none
// or it has lapsed.
func (d *decision) open(ballot string) *Question {
	q := d.f.Questions[QuestionKey{Phone: d.phone, Ballot: ballot}]
	if q == nil || !d.m.ReceivedAt.Before(q.At.Add(d.p.QuestionTTL)) {
		return nil
	}
	return q
}

// openAll lists this phone's open questions in the order of the ballots.
func (d *decision) openAll() []*Question {
	if len(d.f.Questions) == 0 {
		return nil
	}
	var out []*Question
	for _, b := range d.p.Ballots {
		if q := d.open(b.Keyword); q != nil {
			out = append(out, q)
		}
	}
	return out
}

// asked reports whether this very K was asked about before, in answer to
// another message than a copy of this one.
func (d *decision) asked() bool {
	q := d.open(d.rep.Ballot.Keyword)
	if q == nil || q.K != d.rep.K.Given {
		return false
	}
	copied := !d.m.SentAt.IsZero() && d.m.SentAt.Equal(q.KSent)
	apart := d.m.ReceivedAt.Sub(q.KAt)
	return !copied && (apart > copyWindow || apart < -copyWindow)
}

// ask makes v the question q about what was read. v stays what it is where the
// election has no text for q, and where the officer was told the same while the
// centre was away: all figures are on their way again.
func (d *decision) ask(v Verdict, q Question, w words) Verdict {
	if v.Reply != nil && v.Reply.Kind == d.m.Interim {
		return v
	}
	q.Phone, q.Ballot, q.Message, q.At = d.phone, d.rep.Ballot.Keyword, d.m.Key, d.m.ReceivedAt
	if d.station != nil {
		q.Station = d.station.Code
	}
	for _, other := range d.openAll() {
		if other.Ballot != q.Ballot { // then an answer must name its ballot
			w.prefix = shortWord(d.rep.Ballot) + " "
		}
	}
	if reply := d.reply(q.Kind, w); reply != nil {
		q.Asked = reply.Text
		v.Reply, v.Asks = reply, &q
	}
	return v
}

// askAboutK is ask for a question about K, which remembers when it first came.
func (d *decision) askAboutK(v Verdict, q Question, w words) Verdict {
	q.K, q.KAt, q.KSent = d.rep.K.Given, d.m.ReceivedAt, d.m.SentAt
	if old := d.open(d.rep.Ballot.Keyword); old != nil && old.K == q.K {
		q.KAt, q.KSent = old.KAt, old.KSent
	}
	return d.ask(v, q, w)
}

// settle closes the questions that v leaves nothing to ask of: the one of the
// ballot once a tally of its station is decided, and the one that this message
// answered.
func (d *decision) settle(v *Verdict) {
	decided := v.Outcome == OutcomeAccepted || v.Outcome == OutcomeSame ||
		v.Outcome == OutcomeHeld || v.Outcome == OutcomeConflict
	if !decided && v.Asks == nil || len(d.f.Questions) == 0 {
		return
	}
	here := QuestionKey{Phone: d.phone, Ballot: d.rep.Ballot.Keyword}
	if q := d.f.Questions[here]; q != nil && v.Asks == nil && (q.Station == "" || q.Station == d.station.Code) {
		v.Settles = append(v.Settles, here)
	}
	if d.answers != nil && d.answers.Key() != here {
		v.Settles = append(v.Settles, d.answers.Key())
	}
}
