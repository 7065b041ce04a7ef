package gitops

// matter is what is the matter with something, as a log said it last: it is said once, for
// as long as it stays the same.
type matter struct{ said string }

// news says whether it is to be said.
func (m *matter) news(text string) bool {
	was := m.said
	m.said = text
	return was != text
}

// over says whether there was something, which is over.
func (m *matter) over() bool { return m.news("") }
