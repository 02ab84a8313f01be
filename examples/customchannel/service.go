package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// service is a chat service for this example. It has some members, and reports on their
// messages when the example calls reportAll.
type service struct {
	token, secret string
	members       map[string]bool // by ID

	mu    sync.Mutex
	posts map[string]post // by ID
}

// ServeHTTP accepts a post.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var p post
	switch err := json.NewDecoder(r.Body).Decode(&p); {
	case r.Header.Get("Authorization") != "Bearer "+s.token:
		writeAnswer(w, http.StatusUnauthorized, answer{Error: "bad_token"})
	case err != nil || p.ID == "":
		writeAnswer(w, http.StatusBadRequest, answer{Error: "bad_post"})
	case !s.members[p.To]:
		writeAnswer(w, http.StatusNotFound, answer{Error: "no_member"})
	default:
		s.mu.Lock()
		s.posts[p.ID] = p
		s.mu.Unlock()
		writeAnswer(w, http.StatusAccepted, answer{ID: p.ID, State: "queued"})
	}
}

func writeAnswer(w http.ResponseWriter, code int, a answer) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(a) // a client that has gone posts again
}

// reportAll calls the webhook with a state for every message.
func (s *service) reportAll(webhook, state string, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.posts {
		r, err := s.newCall(webhook, report{ID: id, State: state, At: at})
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		if err := res.Body.Close(); err != nil {
			return err
		}
		if res.StatusCode != http.StatusNoContent {
			return fmt.Errorf("the webhook answered %s", res.Status)
		}
	}
	return nil
}

// newCall returns a signed call to the webhook.
func (s *service) newCall(webhook string, what report) (*http.Request, error) {
	body, err := json.Marshal(what)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(http.MethodPost, webhook, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Chat-Signature", hex.EncodeToString(sign([]byte(s.secret), body)))
	return r, nil
}
