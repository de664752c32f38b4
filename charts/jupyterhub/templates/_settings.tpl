{{/* The hub's settings, as maru_hub reads them. What the users may choose comes from profiles.yaml. */}}
{{- define "jupyterhub.settings" -}}
{{- $profiles := mergeOverwrite (.Files.Get "profiles.yaml" | fromYaml) (deepCopy .Values.profiles) -}}
{{- range $part := list "sizes" "images" }}
{{- range $name, $entry := get $profiles $part }}
{{- if kindIs "invalid" $entry }}{{ $_ := unset (get $profiles $part) $name }}{{ end }}
{{- end }}
{{- end -}}
login: {{- include "jupyterhub.login" . | nindent 2 }}
database:
  {{- omit .Values.database "cidr" | toYaml | nindent 2 }}
addresses:
  hub: http://hub.{{ .Release.Namespace }}:8081
  proxyApi: http://proxy-api.{{ .Release.Namespace }}:8001
pods:
  namespace: {{ .Values.userPods.namespace }}
  storageClass: {{ .Values.userPods.storageClass | quote }}
  homeSize: {{ .Values.userPods.homeSize }}
  tmpSize: {{ .Values.userPods.tmpSize }}
  startTimeoutS: {{ .Values.userPods.startTimeoutSeconds }}
  nodeSelector: {{- toYaml .Values.userPods.nodeSelector | nindent 4 }}
  labels: {{- include "jupyterhub.userLabels" . | nindent 4 }}
idle:
  timeoutS: {{ .Values.idle.timeoutSeconds }}
  warningS: {{ .Values.idle.warningSeconds }}
  backstopS: {{ .Values.idle.backstopSeconds }}
  everyS: {{ .Values.idle.everySeconds }}
credentials:
  {{- if .Values.objectStore.enabled }}
  objectStore:
    endpoint: {{ .Values.objectStore.endpoint }}
    region: {{ .Values.objectStore.region }}
    homeBucket: {{ .Values.objectStore.buckets.home | quote }}
    projectBucket: {{ .Values.objectStore.buckets.projects | quote }}
    rawBucket: {{ .Values.objectStore.buckets.raw | quote }}
  {{- end }}
  {{- if .Values.tracking.enabled }}
  tracking:
    uri: {{ .Values.tracking.uri }}
  {{- end }}
projects:
  repository: {{ .Values.projects.repository | quote }}
  branch: {{ .Values.projects.branch }}
images:
  {{- range $name, $entry := $profiles.images }}
  {{ $entry.image }}: {{ include "common.image" (list $ $entry.image) }}
  {{- end }}
profiles: {{- toYaml $profiles | nindent 2 }}
{{- end }}

{{- define "jupyterhub.login" -}}
kind: {{ .Values.login.kind }}
{{ get .Values.login .Values.login.kind | toYaml }}
{{- end }}

{{/* Whom a user's pod may call, as the labels of callers. */}}
{{- define "jupyterhub.userLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
maru.internal/access-hub: "true"
{{- if .Values.objectStore.enabled }}
maru.internal/access-s3: "true"
{{- end }}
{{- if .Values.tracking.enabled }}
maru.internal/access-mlflow: "true"
{{- end }}
{{- with .Values.projects.component }}
maru.internal/access-{{ . }}: "true"
{{- end }}
{{- end }}

{{/* A user's pod, for the policies of both sides. */}}
{{- define "jupyterhub.userPods" -}}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: notebook
{{- end }}

{{/* Out to one of the servers next door: jupyterhub.egress (list "s3" endpoint-or-port cidr). */}}
{{- define "jupyterhub.egress" -}}
{{- $server := index . 0 }}{{ $port := index . 1 }}{{ $cidr := index . 2 -}}
{{- if $cidr -}}
to: [{ ipBlock: { cidr: {{ $cidr | quote }} } }]
ports: [{ protocol: TCP, port: {{ $port }} }]
{{- else -}}
{{ include "common.egressTo" (list $server $port) }}
{{- end }}
{{- end }}
