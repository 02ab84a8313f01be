package console

import (
	"cmp"
	"slices"

	"github.com/smsplus/smsplus-go/channel"
)

// channels returns the channels that a viewer can choose: those of the dispatchers that run,
// of the config's, and the one that is chosen.
func (v *visit) channels(chosen channel.Name) ([]channel.Name, error) {
	o, err := v.store.Heartbeats(v.ctx, v.now)
	if err != nil {
		return nil, err
	}
	var all []channel.Name
	for _, h := range o {
		all = append(all, h.Channels...)
	}
	if d := v.config.Dispatcher; d != nil {
		for c := range d.Channels() {
			all = append(all, c.Name())
		}
	}
	if chosen != "" {
		all = append(all, chosen)
	}
	return sortChannels(all), nil
}

// sortChannels returns the channels without repetition: first the ones that package channel
// knows, in the order in which routes try them.
func sortChannels(all []channel.Name) []channel.Name {
	slices.SortFunc(all, compareChannels)
	all = slices.Compact(all)
	return slices.DeleteFunc(all, func(c channel.Name) bool { return c == "" })
}

func compareChannels(a, b channel.Name) int {
	return cmp.Or(cmp.Compare(rankOf(a), rankOf(b)), cmp.Compare(a, b))
}

// knownChannels are those of package channel, in the order in which routes try them.
var knownChannels = []channel.Name{channel.LINEPush, channel.LINENotify, channel.WhatsApp, channel.RCS, channel.SMS}

// rankOf returns the place of a channel among the known ones, or the place behind them.
func rankOf(c channel.Name) int {
	if i := slices.Index(knownChannels, c); i >= 0 {
		return i
	}
	return len(knownChannels)
}

// channelChoices returns the choices of a box of channels, that of all channels first.
func (v *visit) channelChoices(channels []channel.Name, chosen channel.Name) []navItem {
	choices := []navItem{{Label: v.text("filter.allChannels"), IsCurrent: chosen == ""}}
	for _, c := range channels {
		choices = append(choices, navItem{Label: v.channelLabel(c), Value: string(c), IsCurrent: c == chosen})
	}
	return choices
}
