{{/* What the restricted Pod Security standard asks of a pod. All images of maru run as user 1000. */}}
{{- define "common.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{/* And of each container; beyond the standard, nothing of the image can be written to. */}}
{{- define "common.containerSecurityContext" -}}
allowPrivilegeEscalation: false
capabilities: { drop: [ALL] }
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
{{- end }}

{{/* An emptyDir that counts against the pod's limits: common.scratch "64Mi". */}}
{{- define "common.scratch" -}}
emptyDir: { sizeLimit: {{ . }} }
{{- end }}
