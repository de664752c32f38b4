{{/* An image by digest: common.image (list . "postgresql"). Which there are says the images file. */}}
{{- define "common.image" -}}
{{- $root := index . 0 }}{{ $name := index . 1 -}}
{{- $image := dig "images" $name dict ($root.Values.global | default dict) -}}
{{- if not (and $image.repository $image.digest) -}}
{{- fail (printf "chart %s needs the image %s, and global.images.%s names no repository and digest. make images REGISTRY=... builds the images and writes the file that names them; pass it with --values" $root.Chart.Name $name $name) -}}
{{- end -}}
{{ $image.repository }}@{{ $image.digest }}
{{- end }}
