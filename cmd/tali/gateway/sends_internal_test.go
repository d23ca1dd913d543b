package gateway

import (
	"context"
	"errors"
	"testing"
)

// A gateway that starts on a full disk works on, and settles what the last run left
// when there is room again, once.
func TestOnceUntilItSucceeds(t *testing.T) {
	t.Parallel()
	var o once
	full := errors.New("no room")
	calls := 0
	settle := func(context.Context) error {
		calls++
		if calls < 3 {
			return full
		}
		return nil
	}
	for i, want := range []error{full, full, nil, nil, nil} {
		if err := o.do(t.Context(), settle); !errors.Is(err, want) {
			t.Errorf("attempt %d: %v, want %v", i+1, err, want)
		}
	}
	if calls != 3 {
		t.Errorf("settled %d times, want 3: twice in vain", calls)
	}
}
