package gsm

import (
	"sync"
	"testing"
)

// TestDecodeOnManyGoroutines is for the race detector: several modems decode at
// once, and the library makes its tables at first use.
func TestDecodeOnManyGoroutines(t *testing.T) {
	t.Parallel()
	const pdu = "07912698090000F0040D91269809000000F000006211323283842305C8329BFD06"
	var modems sync.WaitGroup
	for range 8 {
		modems.Go(func() {
			if d, err := Decode(pdu); err != nil || d.Text != "Hello" {
				t.Errorf("Decode = %q, %v, want Hello", d.Text, err)
			}
		})
	}
	modems.Wait()
}
