package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// slack is an incoming webhook: "slack start FILE" sets $SLACK to its address, and
// writes what it is told into the file.
func slack(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 || args[0] != "start" {
		ts.Fatalf("usage: slack start file")
	}
	f, err := os.Create(ts.MkAbs(args[1]))
	ts.Check(err)
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var said struct{ Text string }
		if r.Method != http.MethodPost || json.NewDecoder(r.Body).Decode(&said) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(f, said.Text)
	}))
	ts.Defer(func() { server.Close(); _ = f.Close() })
	ts.Setenv("SLACK", server.URL+"/T0/B0/sesame")
}
