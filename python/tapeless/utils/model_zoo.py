# torch.utils.model_zoo: an older name of torch.hub.
"""State_dicts by URL, under the name that torch.hub had first."""

from tapeless.hub import _bar, load_state_dict_from_url

load_url = load_state_dict_from_url
tqdm = _bar()
