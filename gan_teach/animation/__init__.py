"""Panels in motion: files, a player with a slider, and a film strip for pages that cannot move."""

from gan_teach.animation._chooser import chooser as chooser
from gan_teach.animation._film import Animation as Animation
from gan_teach.animation._film import animate as animate
from gan_teach.animation._narrate import narrate as narrate
from gan_teach.animation._player import player as player
from gan_teach.animation._strip import film_strip as film_strip
from gan_teach.plots._stage import stage as stage
