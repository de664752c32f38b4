module maru.internal/node/pause

go 1.26.0
