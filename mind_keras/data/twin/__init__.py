"""The twin: made-up ICU stays and chest X-rays, on disk as MIMIC has them.

The patients are drawn from a small model and resemble nobody. Three latents decide a
stay: `shared` severity, which vital signs and images both show, `ehr`, which only the
charts show, and `image`, which only the X-rays show; so a model of both knows more.

draws > people > conditions, charting + dirt, labs, studies + films > tables > generate
"""
