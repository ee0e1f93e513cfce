"""Panels in motion: files, a player with a slider, and a film strip for pages that cannot move."""

from gan_teach.plots._chooser import chooser as chooser
from gan_teach.plots._film import Animation as Animation
from gan_teach.plots._film import animate as animate
from gan_teach.plots._narrate import narrate as narrate
from gan_teach.plots._player import player as player
from gan_teach.plots._stage import stage as stage
from gan_teach.plots._strip import film_strip as film_strip
