package db

import (
	"context"
	"fmt"
	"time"

	"tali/parser"
)

const queueCounts = `
SELECT (SELECT count(*) FROM (SELECT FROM tally.standing WHERE election = $1 AND round = $2 AND (state = 'masuk' OR held > 0) AND (-risk) <= -10 LIMIT 1000) AS c) AS conflict,
       (SELECT count(*) FROM (SELECT FROM tally.standing WHERE election = $1 AND round = $2 AND (state = 'masuk' OR held > 0) AND (-risk) BETWEEN -9 AND -1 LIMIT 1000) AS c) AS flagged,
       (SELECT count(*) FROM (SELECT FROM tally.standing WHERE election = $1 AND round = $2 AND (state = 'masuk' OR held > 0) AND (-risk) = 0 LIMIT 1000) AS c) AS plain,
       (SELECT count(*) FROM (SELECT FROM tally.standing WHERE election = $1 AND round = $2 AND form AND (state = 'masuk' OR held > 0) LIMIT 1000) AS c) AS form,
       (SELECT count(*) FROM (SELECT FROM tally.standing WHERE election = $1 AND round = $2 AND unproven AND (state = 'masuk' OR held > 0) LIMIT 1000) AS c) AS unproven,
       (SELECT count(*) FROM (SELECT FROM desk.typing_task WHERE election = $1 AND round = $2 LIMIT 1000) AS c) AS typing,
       (SELECT count(*) FROM (SELECT FROM intake.question WHERE election = $1 AND round = $2 AND handled IS DISTINCT FROM message AND asked_at <= $3 LIMIT 1000) AS c) AS questions,
       (SELECT count(*) FROM (SELECT FROM desk.task WHERE election = $1 LIMIT 1000) AS c) AS messages`

// QueueCounts is how much waits in each part; 1000 stands for that or more.
func (d *DB) QueueCounts(ctx context.Context, p *parser.Profile, now time.Time) (map[QueueView]int, error) {
	row, err := d.profile(ctx, p)
	if err != nil {
		return nil, err
	}
	var n struct{ Conflict, Flagged, Plain, Form, Unproven, Typing, Questions, Messages int }
	if err := d.pageGet(ctx, &n, queueCounts, row.Election, p.Round, now.Add(-p.QuestionTTL)); err != nil {
		return nil, fmt.Errorf("counting the queue: %w", err)
	}
	return map[QueueView]int{
		ViewConflict: n.Conflict, ViewFlagged: n.Flagged, ViewPlain: n.Plain,
		ViewForm: n.Form, ViewUnproven: n.Unproven, ViewTyping: n.Typing, ViewQuestions: n.Questions, ViewMessages: n.Messages,
		ViewAll: min(1000, n.Conflict+n.Flagged+n.Plain+n.Typing+n.Questions+n.Messages),
	}, nil
}
