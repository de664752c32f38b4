{{/* Where both servers are, for the programs in setup and backup. Passwords are files: see storage.passwordFiles. */}}
{{- define "storage.environment" -}}
- { name: PGHOST, value: {{ .Values.postgresql.host | quote }} }
- { name: PGPORT, value: {{ .Values.postgresql.port | quote }} }
- { name: PGUSER, value: postgres }
- { name: AWS_ENDPOINT_URL_S3, value: {{ .Values.s3.endpoint | quote }} }
- { name: AWS_REGION, value: {{ .Values.s3.region | quote }} }
{{- end }}

{{/* Both Secrets as folders of files, readable by the pod's group alone. */}}
{{- define "storage.secretVolumes" -}}
- name: postgresql-secret
  secret: { secretName: postgresql, defaultMode: 0440 }
- name: s3-secret
  secret: { secretName: s3, defaultMode: 0440 }
{{- end }}

{{- define "storage.secretMounts" -}}
- { name: postgresql-secret, mountPath: /run/secrets/postgresql, readOnly: true }
- { name: s3-secret, mountPath: /run/secrets/s3, readOnly: true }
{{- end }}
