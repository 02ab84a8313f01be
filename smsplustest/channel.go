package smsplustest

import (
	"context"
	"reflect"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/smsplus"
)

// wrapChannels returns the Day's channels: those of the config, the adapters, and simulated
// ones for all other names.
func (day *Day) wrapChannels(c smsplus.Config, adapters []channel.Channel) []channel.Channel {
	var all []channel.Channel
	taken := make(map[channel.Name]bool)
	add := func(adapter, sender channel.Channel) {
		taken[adapter.Name()] = true
		all = append(all, day.recordSends(adapter, sender))
	}
	simulate := func(config simulated.Config) *simulated.Channel {
		config.Clock = day.clock
		s := simulated.New(config)
		day.providers = append(day.providers, s)
		day.t.Cleanup(func() { _ = s.Close() }) // it returns no error
		return s
	}
	for _, ch := range c.Channels {
		if ch == nil {
			all = append(all, nil) // smsplus.New refuses it
			continue
		}
		add(ch, ch)
	}
	for _, ch := range adapters {
		add(ch, simulate(simulated.Config{Name: ch.Name(), Traits: ch.Traits()}))
	}
	names := []channel.Name{channel.LINEPush, channel.LINENotify, channel.WhatsApp, channel.SMS}
	for _, tmpl := range c.Templates {
		for _, step := range tmpl.Route {
			names = append(names, step.Channel)
		}
	}
	for _, name := range names {
		if name != "" && !taken[name] {
			s := simulate(simulated.Config{Name: name})
			add(s, s)
		}
	}
	return all
}

// recordSends returns a channel that is the adapter except for its sends. These are the
// sender's, and the Day records them.
func (day *Day) recordSends(adapter, sender channel.Channel) channel.Channel {
	r := &recorder{Channel: adapter, sender: sender, day: day}
	if receiver, ok := adapter.(channel.Receiver); ok {
		return &receivingRecorder{r, receiver}
	}
	return r
}

// recorder is an adapter whose sends are recorded.
type recorder struct {
	channel.Channel
	sender channel.Channel
	day    *Day
}

// Send records the envelope and has the sender send it.
func (r *recorder) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	s := Sent{Envelope: e, Channel: r.Name(), At: r.day.Now()}
	if v := reflect.ValueOf(e.Content); v.Kind() == reflect.String {
		s.Text = v.String()
	}
	r.day.mu.Lock()
	r.day.sent = append(r.day.sent, s)
	r.day.mu.Unlock()
	return r.sender.Send(ctx, e)
}

// CheckContent returns the adapter's verdict on a content, if it has one.
func (r *recorder) CheckContent(c channel.Content) error {
	if checker, ok := r.Channel.(channel.ContentChecker); ok {
		return checker.CheckContent(c)
	}
	return nil
}

// Size returns the adapter's size of a content, or 1.
func (r *recorder) Size(c channel.Content) int {
	if sizer, ok := r.Channel.(channel.Sizer); ok {
		return sizer.Size(c)
	}
	return 1
}

// receivingRecorder is the recorder of an adapter that has a webhook.
type receivingRecorder struct {
	*recorder
	channel.Receiver
}

// WebhookPath returns the path of the URL that the adapter gives to its provider, or "".
func (r *receivingRecorder) WebhookPath() string {
	if own, ok := r.Channel.(interface{ WebhookPath() string }); ok {
		return own.WebhookPath()
	}
	return ""
}
