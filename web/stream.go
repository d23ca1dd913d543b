package web

import (
	"net/http"
	"strings"
	"time"
)

// writeTimeout is for one event: a watcher who reads nothing for so long is
// gone, and reconnects when it is not.
const writeTimeout = 5 * time.Second

// stream sends Server-Sent Events.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	lines   *strings.Replacer
}

// newStream answers at once, so that the reader knows the server is there even
// while the centre is not.
func newStream(w http.ResponseWriter) (*stream, error) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // a proxy that collects would send nothing for minutes
	// Each of the three ends a line of a stream; what follows would be read as
	// a field of its own.
	lines := strings.NewReplacer("\r\n", "\ndata: ", "\r", "\ndata: ", "\n", "\ndata: ")
	s := &stream{w, http.NewResponseController(w), lines}
	// The server gives a request only so long to be read; this one was.
	if err := s.control.SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	return s, s.write("retry: 5000\n\n")
}

func (s *stream) send(event, data string) error {
	return s.write("event: " + event + "\ndata: " + s.lines.Replace(data) + "\n\n")
}

func (s *stream) write(text string) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.control.Flush()
}
