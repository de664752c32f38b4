// The S3 gateway's program, pinned by go.mod and go.sum.

//go:build tools

package s3

import _ "github.com/versity/versitygw/cmd/versitygw"
