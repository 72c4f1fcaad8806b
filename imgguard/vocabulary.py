"""The words by which file names are judged: months, words of ordinary names, words of places and addresses.

All of them are written as `imgguard.known_names.folded` leaves them: small letters without accents.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# English, French, German, Spanish; whole, and as they are shortened beside a number.
MONTHS = _words(
    """january february march april may june july august september october november december
    janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre
    januar janner februar marz maerz juni juli oktober dezember
    enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre diciembre"""
)
SHORT_MONTHS = _words(
    """jan feb mar apr jun jul aug sep sept oct nov dec
    janv fevr fev avr juil okt dez ene abr ago dic"""
)

# What event photos are called without naming anybody. Never taken for a misspelt name, and no name of a place.
ORDINARY = _words(
    """the and for with from our your his her this that all one two three four five first second third last next new old
    day days week year years grade grades class classes school schools student students teacher teachers staff team
    teams group groups club clubs kids boys girls parents family families photo photos picture pictures image images
    img pic pics scan scans frame still copy edit edited final crop cropped small large medium web print raw original
    originals best good draft temp test untitled album albums folder folders gallery camera cam video screenshot file
    files batch set part page cover event events sport sports game games match race races run running jump relay finish
    start field track gym indoor outdoor art arts music band choir concert dance drama play theatre theater science fair
    math reading library lunch recess party picnic trip trips tour visit bus camp hike walk ski skating swim swimming
    summer winter spring fall autumn morning afternoon evening night sunny rainy snow graduation grad assembly award
    awards ceremony speech prize certificate medal parade festival carnival bazaar market bake sale fundraiser open
    house
    win wins winner winners won champion champions goal goals score team mates friend friends birthday happy
    portrait portraits yearbook newsletter website portal poster banner flyer crowd audience stage front back left right
    top bottom side wide close closeup high low junior senior primary middle elementary secondary kindergarten public
    blue red green yellow white black big little great city town local near cleaned clean published export exported
    soccer football hockey basketball volleyball baseball badminton tennis rugby lacrosse track cross country
    classe ecole eleve eleves groupe fete sortie jour journee equipe spectacle chorale sportif remise des les une
    klasse schule ausflug fest sportfest bild bilder foto fotos gruppe feier konzert"""
)
# Two letters that are a word or a mark much more often than somebody's name.
SHORT_WORDS = _words(
    """ab ad ag ai al am an as at au be bw by ca cd ch cm co cr da de di do dr du ed el en es et eu ex fb go gr hd he hi
    hq hs id if il im in is it jr js la le ma me mg mm mp mr ms mt mv my na nb no nr of ok old on op or pa pc pe ph pl
    pm pp pr px qr ra rd re ro se sq sr st ta te th to tv un up us va vi vs wa we wp xl yr za"""
)
# Parts of family names that name nobody by themselves.
PARTICLES = _words("van von der den de del della di da dos das du la le les el al bin bint ibn mac san ten ter zu")

STREETS = "street|st|avenue|ave|av|road|rd|drive|dr|lane|ln|court|ct|crescent|cres|boulevard|blvd|terrace|highway|hwy"
STREETS_BEFORE = "rue|avenue|boulevard|chemin|allee|impasse|route|calle|avenida|range road|township road|highway|hwy"
STREETS_GLUED = "strasse|str|weg|gasse|platz|allee"
# A word of its own beside one of these makes a place: "rundle park", "lake louise".
PLACES_AFTER = _words(
    """park lake river beach church mosque temple synagogue hospital arena stadium museum zoo airport station mall farm
    ranch hill hills mountain valley island bay creek falls village county hotel resort academy college university
    school elementary ecole schule heights reserve
    street avenue road boulevard crescent highway"""
)
PLACES_BEFORE = _words(
    "lake mount mt camp fort lac parc plage eglise ecole chateau ville saint sainte rue boulevard avenue calle"
)

# With a counter behind it: what cameras write, and what programs and people do.
CAMERAS = "img|imgp|imag|cimg|dsc|dscf|dscn|dsci|mg|mgl|sdc|sam|hpim|kif|pict|gopr|dji|mvi|snc|sny"
SERIES = "photo|photos|image|picture|pic|foto|bild|scan|frame|still|cam|screenshot|folder|page|file|untitled"
