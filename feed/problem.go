package feed

import (
	"encoding/json"
	"net/http"
)

// problem is an answer that is an error, in the form of RFC 9457: what is wrong,
// where, and what to do.
type problem struct {
	status              int
	what, where, remedy string
}

func (p problem) tell(w http.ResponseWriter) {
	body, err := json.Marshal(struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
		Remedy string `json:"remedy"`
		Note   string `json:"catatan"`
	}{"about:blank", p.what, p.status, p.where, p.remedy, note})
	if err != nil {
		panic(err) // strings and a number
	}
	h := w.Header()
	h.Del("ETag")
	h.Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.status)
	_, _ = w.Write(append(body, '\n')) // who asked may be gone
}
