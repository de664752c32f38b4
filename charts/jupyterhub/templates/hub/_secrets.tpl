{{/* The hub's environment out of its Secret: variable, key. */}}
{{- define "jupyterhub.secrets" -}}
CONFIGPROXY_AUTH_TOKEN: proxy-token
MARU_HUB_COOKIE_SECRET: cookie-secret
MARU_HUB_CRYPT_KEY: crypt-key
PGPASSWORD: hub-password
{{- if eq .Values.login.kind "password" }}
MARU_HUB_LOGIN_PASSWORD: login-password
{{- end }}
{{- if .Values.objectStore.enabled }}
MARU_HUB_S3_ROOT_ACCESS_KEY: s3-root-access-key
MARU_HUB_S3_ROOT_SECRET_KEY: s3-root-secret-key
{{- end }}
{{- if .Values.tracking.enabled }}
MARU_HUB_MLFLOW_ADMIN_PASSWORD: mlflow-admin-password
{{- end }}
{{- end }}
