package web

import (
	"net/http/httptest"
	"testing"
	"time"
)

// recorder is a writer of net/http that takes deadlines, as connections do.
type recorder struct{ *httptest.ResponseRecorder }

func (recorder) SetWriteDeadline(time.Time) error { return nil }
func (recorder) SetReadDeadline(time.Time) error  { return nil }

// TestStreamKeepsItsLines: each of CR, LF and both ends a line of a stream, and
// what follows must not become a field.
func TestStreamKeepsItsLines(t *testing.T) {
	t.Parallel()
	r := recorder{httptest.NewRecorder()}
	s, err := newStream(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.send(sectionCount, "a\nb\r\nc\revent: away\n\nd"); err != nil {
		t.Fatal(err)
	}
	want := "retry: 5000\n\nevent: count\ndata: a\ndata: b\ndata: c\ndata: event: away\ndata: \ndata: d\n\n"
	if got := r.Body.String(); got != want {
		t.Errorf("stream = %q, want %q", got, want)
	}
}
