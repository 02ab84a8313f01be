package query

import (
	"bufio"
	"cmp"
	"encoding/json"
	"io"
	"iter"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// recordJSON is one line of NDJSON. Its keys must not change, because programs read them.
type recordJSON struct {
	ID           uuid.UUID               `json:"id"`
	Key          string                  `json:"key,omitempty"`
	Reference    string                  `json:"reference,omitempty"`
	Template     string                  `json:"template"`
	Scenario     string                  `json:"scenario,omitempty"`
	Class        smsplus.Class           `json:"class,omitempty"`
	CountryCode  string                  `json:"country_code,omitempty"`
	Phone        string                  `json:"phone,omitempty"`
	RecipientIDs map[channel.Name]string `json:"recipient_ids,omitempty"`
	Status       status.Status           `json:"status"`
	Ended        bool                    `json:"ended"`
	Channel      channel.Name            `json:"channel"`
	TriggeredAt  string                  `json:"triggered_at,omitempty"`
	DeliveredAt  string                  `json:"delivered_at,omitempty"`
	ReadAt       string                  `json:"read_at,omitempty"`
	ExpiresAt    string                  `json:"expires_at,omitempty"`
	CanceledAt   string                  `json:"canceled_at,omitempty"`
	ConfirmedAt  string                  `json:"confirmed_at,omitempty"`
	ResendOf     uuid.UUID               `json:"resend_of,omitzero"`
	ResentAs     uuid.UUID               `json:"resent_as,omitzero"`
	Attempts     []attemptJSON           `json:"attempts"`
	Metadata     map[string]string       `json:"metadata,omitempty"`
	Vars         map[string]string       `json:"vars,omitempty"`
}

type attemptJSON struct {
	ID          uuid.UUID     `json:"id"`
	Step        int           `json:"step"`
	Channel     channel.Name  `json:"channel"`
	Status      status.Status `json:"status"`
	Reason      status.Reason `json:"reason,omitempty"`
	Detail      string        `json:"detail,omitempty"`
	ProviderID  string        `json:"provider_id,omitempty"`
	Content     string        `json:"content,omitempty"`
	Tries       int           `json:"tries"`
	Recall      string        `json:"recall,omitempty"`
	StartedAt   string        `json:"started_at,omitempty"`
	AcceptedAt  string        `json:"accepted_at,omitempty"`
	DeliveredAt string        `json:"delivered_at,omitempty"`
	ReadAt      string        `json:"read_at,omitempty"`
	EndedAt     string        `json:"ended_at,omitempty"`
}

// microsLayout is RFC 3339 with all six digits of the microseconds, so that times of one
// location sort as text.
const microsLayout = "2006-01-02T15:04:05.000000Z07:00"

// WriteNDJSON writes the records as JSON while it reads seq, one object per line. An object
// has the record's attempts, oldest first, and no keys for times that are zero and texts
// that are empty. "ended" says that nothing more is sent, whatever the status is. Only the first
// Export is used.
//
// WriteNDJSON leaves out a record that cannot be read, and continues. At the end it returns
// an error that wraps [smsplus.ErrUnreadable] and says how many it left out. It returns at
// once any other error of seq, and those of w.
func WriteNDJSON(w io.Writer, seq iter.Seq2[smsplus.Message, error], o ...Export) error {
	e := optionsOf(o)
	buf := bufio.NewWriter(w)
	out := json.NewEncoder(buf)
	out.SetEscapeHTML(false) // the lines are not part of a web page
	l := recordJSON{
		Attempts: []attemptJSON{}, // encoded as [], where nil would be null
	}
	var left leftOut
	for m, err := range seq {
		if left.count(err) {
			continue
		}
		if err != nil {
			_ = buf.Flush() // the error of seq came first
			return err
		}
		l.set(e, &m)
		if err := out.Encode(&l); err != nil {
			return err
		}
	}
	return cmp.Or(buf.Flush(), left.err())
}

// set overwrites l with m. It reuses the memory of l.Attempts.
func (l *recordJSON) set(e Export, m *smsplus.Message) {
	attempts := l.Attempts[:0]
	for i := range m.Attempts {
		a := &m.Attempts[i]
		attempts = append(attempts, attemptJSON{
			ID:          a.ID,
			Step:        a.Step,
			Channel:     a.Channel,
			Status:      a.Status,
			Reason:      a.Reason,
			Detail:      a.Detail,
			ProviderID:  a.ProviderID,
			Content:     a.Content.String(),
			Tries:       a.Tries,
			Recall:      a.Recall.String(),
			StartedAt:   e.formatTime(a.StartedAt, microsLayout),
			AcceptedAt:  e.formatTime(a.AcceptedAt, microsLayout),
			DeliveredAt: e.formatTime(a.DeliveredAt, microsLayout),
			ReadAt:      e.formatTime(a.ReadAt, microsLayout),
			EndedAt:     e.formatTime(a.EndedAt, microsLayout),
		})
	}
	*l = recordJSON{
		ID:           m.ID,
		Key:          m.Key,
		Reference:    m.Reference,
		Template:     m.Template,
		Scenario:     m.Scenario,
		Class:        m.Class,
		CountryCode:  m.To.Phone.CountryCode(),
		Phone:        e.formatPhone(m.To.Phone),
		RecipientIDs: e.revealIDs(m.To.IDs),
		Status:       m.Status,
		Ended:        m.HasEnded(),
		Channel:      m.Channel,
		TriggeredAt:  e.formatTime(m.TriggeredAt, microsLayout),
		DeliveredAt:  e.formatTime(m.DeliveredAt, microsLayout),
		ReadAt:       e.formatTime(m.ReadAt, microsLayout),
		ExpiresAt:    e.formatTime(m.ExpiresAt, microsLayout),
		CanceledAt:   e.formatTime(m.CanceledAt, microsLayout),
		ConfirmedAt:  e.formatTime(m.ConfirmedAt, microsLayout),
		ResendOf:     m.ResendOf,
		ResentAs:     m.ResentAs,
		Attempts:     attempts,
	}
	if e.Reveal {
		l.Metadata, l.Vars = m.Metadata, m.Vars
	}
}
