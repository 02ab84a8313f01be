package smpp

// Normal is normal.
func (f IDFormat) Normal(id string) string { return f.normalize(id) }
