{{/*
What an object belongs to. Both take the chart's context, or a list of the context and the
component: common.labels (list . "postgresql"). Without one the component is the chart itself.
*/}}

{{/* The labels that select. They never change in an object's life, so a new chart restarts nothing. */}}
{{- define "common.selectorLabels" -}}
{{- $root := . }}{{ $component := "" }}
{{- if kindIs "slice" . }}{{ $root = index . 0 }}{{ $component = index . 1 }}{{ else }}{{ $component = .Chart.Name }}{{ end -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ $component }}
{{- end }}

{{/* All labels, for metadata; in a pod template they would restart the pod at each version. */}}
{{- define "common.labels" -}}
{{- $root := . }}
{{- if kindIs "slice" . }}{{ $root = index . 0 }}{{ end -}}
{{ include "common.selectorLabels" . }}
app.kubernetes.io/part-of: maru
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ $root.Chart.Name }}-{{ $root.Chart.Version }}
{{- end }}
