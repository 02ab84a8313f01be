package httpapi

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/channel"
)

// QueryEach is the Query of a channel whose provider takes one ID in a call. It calls ask for
// each ref, from several goroutines, limit at once at most. It returns the receipts of which ask
// says that they are known, also with an error, which is the first one. No more calls begin
// after an error that every message would get, as isRefusal says.
func QueryEach(refs []channel.Ref, limit int, ask func(channel.Ref) (r channel.Receipt, known bool, err error), isRefusal func(error) bool) ([]channel.Receipt, error) {
	var (
		group   errgroup.Group
		mu      sync.Mutex
		answers []channel.Receipt
		refused atomic.Bool
	)
	group.SetLimit(limit)
	for _, ref := range refs {
		group.Go(func() error {
			if refused.Load() {
				return nil // the error of another one is the Query's
			}
			receipt, known, err := ask(ref)
			if err != nil && isRefusal(err) {
				refused.Store(true)
			}
			if known {
				mu.Lock()
				defer mu.Unlock()
				answers = append(answers, receipt)
			}
			return err
		})
	}
	err := group.Wait()
	return answers, err
}
