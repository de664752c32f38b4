{{/*
A volume that outlives the release: common.claim (list . "postgresql" .Values.postgresql.storage).
Neither helm nor Argo CD deletes it; it grows where its class allows that.
*/}}
{{- define "common.claim" -}}
{{- $root := index . 0 }}{{ $name := index . 1 }}{{ $storage := index . 2 -}}
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  labels: {{- include "common.labels" (list $root $name) | nindent 4 }}
  annotations:
    helm.sh/resource-policy: keep
    argocd.argoproj.io/sync-options: Delete=false,Prune=false
spec:
  accessModes: [ReadWriteOnce]
  {{- with $storage.className }}
  storageClassName: {{ . }}
  {{- end }}
  resources: { requests: { storage: {{ $storage.size }} } }
{{- end }}

{{/*
A budget for a server of one replica. It lets the one pod be moved: a budget that forbids it would
block every drain of its node for ever, and a second copy of the data there is none.
*/}}
{{- define "common.podDisruptionBudget" -}}
{{- $root := index . 0 }}{{ $component := index . 1 -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $component }}
  namespace: {{ $root.Release.Namespace }}
  labels: {{- include "common.labels" (list $root $component) | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {{- include "common.selectorLabels" (list $root $component) | nindent 6 }}
{{- end }}

{{/* An account that may nothing: no rights, and no token in the pod. */}}
{{- define "common.serviceAccount" -}}
{{- $root := index . 0 }}{{ $component := index . 1 -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $component }}
  namespace: {{ $root.Release.Namespace }}
  labels: {{- include "common.labels" (list $root $component) | nindent 4 }}
automountServiceAccountToken: false
{{- end }}
