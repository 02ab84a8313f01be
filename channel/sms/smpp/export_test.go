package smpp

// Normal exports normalize for tests.
func (f IDFormat) Normal(id string) string { return f.normalizeID(id) }
