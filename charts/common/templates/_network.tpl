{{/*
Network, default deny both ways. A caller carries the label maru.internal/access-<server> and may
come from any namespace with the label maru.internal/platform; the server's policy admits it, and
the caller's own chart lets it out (common.egressTo).
*/}}

{{/* The object that closes the whole namespace in both directions. */}}
{{- define "common.networkPolicyDefaultDeny" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .Release.Name }}-default-deny
  namespace: {{ .Release.Namespace }}
  labels: {{- include "common.labels" . | nindent 4 }}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
{{- end }}

{{/* The object that lets this release's pods ask for names, and nothing else. */}}
{{- define "common.networkPolicyDns" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .Release.Name }}-dns
  namespace: {{ .Release.Namespace }}
  labels: {{- include "common.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/instance: {{ .Release.Name }}
  policyTypes: [Egress]
  egress:
    - to:
        - namespaceSelector:
            matchLabels: { kubernetes.io/metadata.name: kube-system }
          podSelector:
            matchLabels: { k8s-app: kube-dns }
      ports:
        - { protocol: UDP, port: 53 }
        - { protocol: TCP, port: 53 }
{{- end }}

{{/* Who may come in, as an item of `from`: common.callersOf "postgresql". */}}
{{- define "common.callersOf" -}}
namespaceSelector:
  matchLabels: { maru.internal/platform: "true" }
podSelector:
  matchLabels: { maru.internal/access-{{ . }}: "true" }
{{- end }}

{{/* A rule of `egress`: common.egressTo (list "postgresql" 5432). Name and component are one word. */}}
{{- define "common.egressTo" -}}
to:
  - namespaceSelector:
      matchLabels: { maru.internal/platform: "true" }
    podSelector:
      matchLabels: { app.kubernetes.io/component: {{ index . 0 }} }
ports:
  - { protocol: TCP, port: {{ index . 1 }} }
{{- end }}

{{/*
The object that lets this release's pods with the label of a server's callers out to that server:
common.networkPolicyCallers (list . "postgresql" 5432 cidr). With a cidr the server is elsewhere.
*/}}
{{- define "common.networkPolicyCallers" -}}
{{- $root := index . 0 }}{{ $server := index . 1 }}{{ $port := index . 2 }}{{ $cidr := "" }}
{{- if gt (len .) 3 }}{{ $cidr = index . 3 }}{{ end -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ $root.Release.Name }}-calls-{{ $server }}
  namespace: {{ $root.Release.Namespace }}
  labels: {{- include "common.labels" $root | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/instance: {{ $root.Release.Name }}
      maru.internal/access-{{ $server }}: "true"
  policyTypes: [Egress]
  egress:
    {{- if $cidr }}
    - to: [{ ipBlock: { cidr: {{ $cidr | quote }} } }]
      ports: [{ protocol: TCP, port: {{ $port }} }]
    {{- else }}
    - {{- include "common.egressTo" (list $server $port) | nindent 6 }}
    {{- end }}
{{- end }}

{{/* The port of a URL: common.port "http://s3:9000". Without one in it, the scheme's. */}}
{{- define "common.port" -}}
{{- $url := urlParse . }}{{ $parts := splitList ":" $url.host -}}
{{- if gt (len $parts) 1 }}{{ last $parts }}{{ else }}{{ eq $url.scheme "https" | ternary 443 80 }}{{ end -}}
{{- end }}
