package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Limits of one request. Whoever sends or reads more slowly holds a connection
// that others need; pages that go on set limits of their own.
const (
	headerTime   = 5 * time.Second
	requestTime  = time.Minute // a table of stations from a slow line
	responseTime = 2 * time.Minute
	keptTime     = 2 * time.Minute
	headerSize   = 32 << 10
	closingTime  = 2 * time.Second
)

// serveHTTP answers until ctx ends, and lets requests finish briefly.
func serveHTTP(ctx context.Context, l net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler: handler, BaseContext: func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: headerTime, ReadTimeout: requestTime, WriteTimeout: responseTime, IdleTimeout: keptTime, MaxHeaderBytes: headerSize,
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	select {
	case err := <-done:
		return fmt.Errorf("page: %w", err)
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closingTime)
	defer cancel()
	err := server.Shutdown(closing)
	if err != nil {
		err = server.Close()
	}
	<-done
	return err
}
