"""Words that are names too. Written small, such a word is taken for the word, also where somebody is called that."""

from __future__ import annotations

_TEXT = """
abbey ace aden admin administrator agency alba alma amber an angel april art asia aspen aurora autumn baker bank bar
barber bass bay bean bear bee bell berry best bill billing bird bishop black bliss blue bob bond booker boss boy
branch brand brandy brave bread bright brook brown bud burn bush butcher butler buyer can candy care carpenter carter
case cash chance charity chase cherry chief chip church clark clay client cliff clothier coal cole colt company
contact cook cool cooper coral cotton court crane crew crisp cross crystal customer dale dawn day dean deal dean dear
deer dell department dick dolly dot dove drew duke dusty early earl east easter eden elder end even ever faith fall
farmer fay fern field fin finance fish fisher flint flora flower forest fox francs frank free frost gale garden gay
gem gene general genesis gift glad glen gold golden good grace grant gray green grey guy hale hall ham hand happy
hardy harmony harp hart haven hazel heath heather heaven help helper hill holiday holly home hope house hunter ice in
info information iris iron ivory ivy jack jade jasmine jay jet jewel job joint jolly joy judge june just justice key
kid king kit knight lake lance land lane lark laurel law lee lemon levy lily lime line link list little long lot love
low lucky mace mail manager marine mark marketing marsh martin mason may mayor melody mercy merit merry mike mill
miller mint miss misty mo moon moore more moss mountain my new no noble none nor north note nova oak ocean office
olive one opal order orders owner pace page palm panther park patience paula pearl penny pepper piper pitt poet pole
pool poppy porter post price pride prime prince procurement prose purchasing queen rain raven ray read red reed reef
reception rich ridge river rob robin rock roman root rose rosemary rowan royal ruby rush rusty sage sailor sales salt
sand sandy savannah scarlet sea sean season service shade sharp shell shepherd short sierra silver sky smith smoke
snow so sol son song south spencer spring staff star steel sterling stone storm strange strong sue summer sun sunny
supplier support sweet swift tailor tanner taylor team temple terry test the thorn tiger time to today tom town trace
trinity troy true tucker turner unknown user vale van vice victor victory vine viola violet wade walker wall ward
water way weaver weber wells west wheeler white wild will win winter wise wolf wood woods worth wren wright yard yes
york young
"""


ORDINARY = frozenset(_TEXT.split())
"""Folded."""
