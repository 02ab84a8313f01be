package sqlitestore

import "context"

// OpenCachingAll is Open of a store whose StatsBy stores every count, however few and recent
// its messages are.
func OpenCachingAll(ctx context.Context, path string, o Options) (*Store, error) {
	s, err := openStore(ctx, path, o)
	if err != nil {
		return nil, err
	}
	s.cachesAll = true
	go s.runWriter()
	return s, nil
}
