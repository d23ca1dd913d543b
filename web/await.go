package web

import "context"

// await asks the centre who is asking, and gives up after patience: on a dead
// line the driver ignores deadlines, and every page begins with this. What hangs
// ends with the line; the pool bounds how many can.
func await[T any](ctx context.Context, ask func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	type answer struct {
		value T
		err   error
	}
	got := make(chan answer, 1)
	go func() {
		value, err := ask(ctx)
		got <- answer{value, err}
	}()
	select {
	case a := <-got:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, errLate
	}
}
