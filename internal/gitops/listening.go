package gitops

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Listening serves addresses.
type Listening struct {
	Log    *slog.Logger
	Failed func(error)     // is told when one cannot be served any longer
	TLS    *tls.Config     // nil: they are served in the clear
	All    *sync.WaitGroup // of addresses that still answer somebody; nil: nobody waits
}

// lastAnswers is how long answers under way may take once it is to end.
const lastAnswers = 3 * time.Second

// Listen serves an address until the context ends; "" is none. Then the contexts of
// requests end, which ends streams, and answers under way have a few seconds.
func (l Listening) Listen(ctx context.Context, what, address string, h http.Handler) error {
	if address == "" {
		return nil
	}
	at, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen.%s: %w", what, err)
	}
	l.Log.Info("listens", "for", what, "at", at.Addr().String())
	server := Server(h)
	server.TLSConfig = l.TLS
	server.ErrorLog = slog.NewLogLogger(l.Log.Handler(), slog.LevelDebug)
	server.BaseContext = func(net.Listener) context.Context { return ctx }
	go func() {
		serve := server.Serve
		if server.TLSConfig != nil {
			serve = func(at net.Listener) error { return server.ServeTLS(at, "", "") }
		}
		if err := serve(at); !errors.Is(err, http.ErrServerClosed) {
			l.Failed(fmt.Errorf("listen.%s: %w", what, err))
		}
	}()
	if l.All != nil {
		l.All.Add(1)
	}
	context.AfterFunc(ctx, func() {
		if l.All != nil {
			defer l.All.Done()
		}
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastAnswers)
		defer cancel()
		if server.Shutdown(last) != nil {
			_ = server.Close()
		}
	})
	return nil
}

// Health serves /healthz, which answers as long as the process does, /readyz, and
// /metrics where there are some.
func Health(ready func() bool, metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	if metrics != nil {
		mux.Handle("GET /metrics", metrics)
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !ready() {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "not every deployment was looked at yet, or the controller ends\n")
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	})
	return mux
}

// Server is one that no client can hold: neither by slow headers or bodies, nor by
// large ones.
func Server(h http.Handler) *http.Server {
	const patience = 10 * time.Second
	return &http.Server{Handler: h, ReadHeaderTimeout: patience, ReadTimeout: patience, WriteTimeout: 2 * patience, IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10}
}
