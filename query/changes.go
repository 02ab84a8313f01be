package query

import (
	"cmp"
	"context"
	"fmt"

	"github.com/smsplus/smsplus-go/smsplus"
)

// Changes returns the messages that have changed after a position, in the order of their last
// changes, at most limit of them. A limit of 0 means [smsplus.DefaultLimit]. An export that
// runs every minute passes the Next of the page before, which it stores together with what it
// exported, until More is false:
//
//	for more := true; more; {
//		page, err := r.Changes(ctx, position, 1000)
//		if errors.Is(err, smsplus.ErrChangesLost) {
//			position = "" // begin again: what is exported twice replaces itself by its ID
//			continue
//		}
//		…
//		position, more = page.Next, page.More
//	}
//
// The position "" is before all messages, older ones than [Reader.Earliest] included. The
// error wraps [smsplus.ErrChangesOff] if the store does not note changes, and is otherwise as
// [smsplus.ChangeLister] says.
func (r *Reader) Changes(ctx context.Context, after string, limit int) (smsplus.ChangePage, error) {
	list, ok := r.store.(smsplus.ChangeLister)
	if !ok {
		return smsplus.ChangePage{}, fmt.Errorf("query: changes: %w", smsplus.ErrChangesOff)
	}
	if limit < 0 {
		return smsplus.ChangePage{}, fmt.Errorf("query: changes: %w: the limit is negative", smsplus.ErrInvalidFilter)
	}
	page, err := list.Changes(ctx, after, cmp.Or(limit, smsplus.DefaultLimit))
	if err != nil {
		return smsplus.ChangePage{}, fmt.Errorf("query: changes: %w", err)
	}
	return page, nil
}
