"""Checks for the course's exercises: each says whether an answer is right, and if not, why.

A check never raises for a wrong answer; it returns a ``Verdict`` that a notebook shows as a
sentence and a test reads as a truth value. Known mistakes have sentences of their own. One module
per part of the course; what they share is in ``base``.
"""

from gan_teach.course.exercises.base import Verdict as Verdict
from gan_teach.course.exercises.image_studies import check_frechet_bias as check_frechet_bias
from gan_teach.course.exercises.image_studies import check_half_life as check_half_life
from gan_teach.course.exercises.image_studies import check_margin_losses as check_margin_losses
from gan_teach.course.exercises.image_studies import (
    check_penalty_convention as check_penalty_convention,
)
from gan_teach.course.exercises.image_studies import check_quarter_width as check_quarter_width
from gan_teach.course.exercises.image_studies import check_rate_of_d as check_rate_of_d
from gan_teach.course.exercises.images import check_copy_in_gallery as check_copy_in_gallery
from gan_teach.course.exercises.images import check_grey_stacks as check_grey_stacks
from gan_teach.course.exercises.images import check_last_epoch as check_last_epoch
from gan_teach.course.exercises.images import check_parameter_count as check_parameter_count
from gan_teach.course.exercises.images import check_perfect_thousand as check_perfect_thousand
from gan_teach.course.exercises.images import check_read_stacks as check_read_stacks
from gan_teach.course.exercises.images import check_scores_to_loss as check_scores_to_loss
from gan_teach.course.exercises.images import check_slowdown as check_slowdown
from gan_teach.course.exercises.images import check_times_seen as check_times_seen
from gan_teach.course.exercises.images import check_way_length as check_way_length
from gan_teach.course.exercises.landscapes import check_bad_basins as check_bad_basins
from gan_teach.course.exercises.landscapes import check_collapse_loss as check_collapse_loss
from gan_teach.course.exercises.landscapes import (
    check_covered_directions as check_covered_directions,
)
from gan_teach.course.exercises.landscapes import check_friction as check_friction
from gan_teach.course.exercises.landscapes import check_missing_mode as check_missing_mode
from gan_teach.course.exercises.landscapes import check_rule_out as check_rule_out
from gan_teach.course.exercises.landscapes import check_same_penalty as check_same_penalty
from gan_teach.course.exercises.landscapes import check_share_outside as check_share_outside
from gan_teach.course.exercises.landscapes import check_way_out as check_way_out
from gan_teach.course.exercises.line import check_best_answer as check_best_answer
from gan_teach.course.exercises.line import check_best_slope as check_best_slope
from gan_teach.course.exercises.line import check_blind_direction as check_blind_direction
from gan_teach.course.exercises.line import check_confident_value as check_confident_value
from gan_teach.course.exercises.line import check_gradient_ratio as check_gradient_ratio
from gan_teach.course.exercises.line import check_noisy_variance as check_noisy_variance
from gan_teach.course.exercises.line import check_non_saturation as check_non_saturation
from gan_teach.course.exercises.line import (
    check_optimal_discriminator as check_optimal_discriminator,
)
from gan_teach.course.exercises.line import check_sampling_noise as check_sampling_noise
from gan_teach.course.exercises.line import check_saturation as check_saturation
from gan_teach.course.exercises.line import check_target as check_target
from gan_teach.course.exercises.measures import check_best_accuracy as check_best_accuracy
from gan_teach.course.exercises.measures import check_fooled_frechet as check_fooled_frechet
from gan_teach.course.exercises.measures import check_proof_by_loss as check_proof_by_loss
from gan_teach.course.exercises.measures import check_samples_for_modes as check_samples_for_modes
from gan_teach.course.exercises.measures import check_smoothed_loss as check_smoothed_loss
from gan_teach.course.exercises.measures import check_two_sided as check_two_sided
from gan_teach.course.exercises.measures import check_what_flat_means as check_what_flat_means
from gan_teach.course.exercises.planar import check_attracts as check_attracts
from gan_teach.course.exercises.planar import check_growth as check_growth
from gan_teach.course.exercises.planar import check_largest_step as check_largest_step
from gan_teach.course.exercises.planar import check_steps_per_decade as check_steps_per_decade
from gan_teach.course.exercises.planar import check_switch as check_switch
from gan_teach.course.exercises.planar import check_torus_tau_star as check_torus_tau_star
from gan_teach.course.exercises.stability import check_sign_test as check_sign_test
from gan_teach.course.exercises.stability import check_uneven_score as check_uneven_score
from gan_teach.course.exercises.timescale import (
    check_covariance_real_from as check_covariance_real_from,
)
from gan_teach.course.exercises.timescale import check_largest_ratio as check_largest_ratio
from gan_teach.course.exercises.timescale import check_real_from as check_real_from
from gan_teach.course.exercises.timescale import check_rotations as check_rotations
from gan_teach.course.exercises.timescale import check_scalar_tau_star as check_scalar_tau_star
