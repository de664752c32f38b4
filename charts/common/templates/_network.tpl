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
