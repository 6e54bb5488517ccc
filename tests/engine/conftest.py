"""How hard Hypothesis tries. `--hypothesis-profile quick`: to know that something is wrong, not what is the smallest example of it."""

from hypothesis import Phase, settings

settings.register_profile("thorough", phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink])
settings.register_profile("quick", phases=[Phase.explicit, Phase.generate], database=None)
settings.load_profile("thorough")
