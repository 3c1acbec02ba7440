"""What the page says, in English; the catalogue has it in Chinese. `{names}` are filled in by the page."""

from __future__ import annotations

from talent_sd.base.language import N_

GROUPS = {
    "group_industry": (
        "industry_fund",
        "venture_fund",
        "knowledge_platform",
        "open_labs",
        "convention_venue",
    ),
    "group_pay": ("cash_subsidy", "talent_tax_credit", "flexible_benefits", "mass_recruitment"),
    "group_skills": ("manufacturing_academy", "skill_certification", "career_tracking", "quality_education"),
    "group_living": (
        "talent_apartments",
        "housing_voucher",
        "medical_cluster",
        "childcare_eldercare",
        "culture_ip",
    ),
}
"""Word -> the policies offered under it; a policy in none is offered under others."""

WORDS = {
    "page_title": N_("Talent plan", "page"),
    "skip": N_("Skip to the result", "page"),
    "skip_plan": N_("Skip to your plan", "page"),
    "your_plan": N_("Your plan", "page"),
    "charts": N_("Charts", "page"),
    "result": N_("Result", "page"),
    "parts": N_("Parts of the page", "page"),
    "plans": N_("Plans", "page"),
    "plan": N_("Plan", "page"),
    "plan_n": N_("Plan {n}", "page"),
    "plan_in_city": N_("{plan}, {city}", "page"),
    "own_plan": N_("My plan", "page"),
    "add_plan": N_("Compare another", "page"),
    "remove_plan": N_("Remove {name}", "page"),
    "undo": N_("Undo", "page"),
    "redo": N_("Redo", "page"),
    "reset": N_("Reset", "page"),
    "clear": N_("No policies", "page"),
    "language": N_("Language", "page"),
    "close": N_("Close", "page"),
    "city": N_("City", "page"),
    "preset": N_("Start from", "page"),
    "preset_name": N_("Preset", "page"),
    "take_preset": N_("Start from {name}", "page"),
    "presets_here": N_("What each preset does here", "page"),
    "presets_note": N_(
        "{name}, {year}, against no policy: median of the draws, as in the sentence on the plan. "
        "In order of how many others each beats in more than half of the draws. Press a name to start from it.",
        "page",
    ),
    "nation": N_("Nation", "page"),
    "reading": N_("Reading", "page"),
    "policies": N_("Policies", "page"),
    "policy": N_("Policy", "page"),
    "count_on": N_("{on} of {all} on", "page"),
    "group_industry": N_("Industry and research", "page"),
    "group_pay": N_("Pay and recruitment", "page"),
    "group_skills": N_("Skills and careers", "page"),
    "group_living": N_("Housing and living", "page"),
    "group_other": N_("Others", "page"),
    "size_of": N_("{name}: size", "page"),
    "yuan_of": N_("{name}: million yuan a year", "page"),
    "size_note": N_(
        "The box is what a plan file calls size: yuan a year at full strength in prices of {year}, in the central run. What a "
        "plan costs in the draws is told beside the charts: fewer or more people may take it up.",
        "page",
    ),
    "yuan_big": N_("million yuan a year", "page"),
    "from": N_("From", "page"),
    "until": N_("Until", "page"),
    "ramp": N_("Years to full strength", "page"),
    "budget_for_all": N_("Money set aside for all policies", "page"),
    "budget_note": N_(
        "What policies would cost beyond it is not paid: all are scaled down alike. Left empty, they "
        "may take the city's own limit.",
        "page",
    ),
    "to_the_end": N_("beyond", "page"),
    "shocks": N_("Shocks", "page"),
    "take_out": N_("Take out", "page"),
    "assumptions": N_("Assumptions", "page"),
    "assumptions_note": N_(
        "Those that move talent most come first. Each slider spans the range that the sources allow; "
        "what you set keeps its value in every draw.",
        "page",
    ),
    "count_changed": N_("{count} changed", "page"),
    "search": N_("Search", "page"),
    "search_assumption": N_("Search the assumptions", "page"),
    "range": N_("Range {low} to {high}.", "page"),
    "moves": N_("Moves talent in the last year by {change}.", "page"),
    "fitted_source": N_("Fitted to cities.", "page"),
    "back_to": N_("Back to {value}", "page"),
    "loops": N_("Feedback loops", "page"),
    "loops_note": N_("A loop that is cut stays at what it was at the start: see what it does.", "page"),
    "count_cut": N_("{count} cut", "page"),
    "all_closed": N_("all at work", "page"),
    "levels": N_("Levels", "page"),
    "difference": N_("Difference from no policy", "page"),
    "show_as": N_("Show as", "page"),
    "choose_outputs": N_("Choose outputs ({count} shown)", "page"),
    "headline": N_("Headlines", "page"),
    "difference_unit": N_("Difference, {unit}", "page"),
    "no_unit": N_("dimensionless", "page"),
    "no_policy": N_("No policy", "page"),
    "why": N_("Why?", "page"),
    "why_of": N_("Why? {name}", "page"),
    "picture_of": N_("PNG: picture of {name}", "page"),
    "table_file_of": N_("CSV: numbers of {name}", "page"),
    "table": N_("Table", "page"),
    "table_note": N_("Median, and the range of 80 % of the draws.", "page"),
    "year": N_("Year", "page"),
    "legend": N_(
        "Line: median of {draws} draws (seed {seed}). Bands: 50, 80 and 95 % of them; 80 % where plans share a "
        "chart. Dots: counted figures. Grey ground: years up to {known}, whose national figures are "
        "known. “No policy” is the same city, nation and assumptions without policies and shocks.",
        "page",
    ),
    "untested": N_("not tested", "page"),
    "untested_note": N_("No back-test speaks to this output.", "page"),
    "tested_better": N_("back-test: better than simple rules", "page"),
    "tested_partly": N_("back-test: better than simple rules from 2010 on, not clearly from later", "page"),
    "tested_level": N_("back-test: about as good as simple rules", "page"),
    "tested_worse": N_("back-test: worse than a simple rule", "page"),
    "tested_note": N_(
        "{first} to {last}, {cities} unseen cities: missed by {error} % on average, the best simple "
        "rule by {best} %; the 80 % band held {coverage} %.",
        "page",
    ),
    "tested_city": N_("This city: forecast {share} % off.", "page"),
    "running": N_("Running …", "page"),
    "sentence_nothing": N_("No policy is on in {city}. Switch one on, or start from a preset.", "page"),
    "sentence_change": N_("{change} by {year}, median of {draws} draws", "page"),
    "sentence_span": N_("{name} against no policy; in 80 % of these draws {span}.", "page"),
    "sentence_cost": N_(
        "Costs {whole} in all, present value ({whole_span} in 80 % of the draws); {money} a year ({money_span}), the mean of "
        "{first} to {last}.",
        "page",
    ),
    "sentence_chance": N_("Better than no policy in {chance} % of draws.", "page"),
    "over_most": N_("over {most}", "page"),
    "drawn_up_to": N_("{unit}; {over} is drawn at the top", "plot"),
    "low_to_high": N_("{low} to {high}", "page"),
    "source": N_("Source:", "page"),
    "budget_used_own": N_("{share} of the money set aside for policies", "page"),
    "budget_used": N_("{share} of what the city can spend on talent policy", "page"),
    "warn_budget": N_(
        "The budget does not pay for all of it: {least} at the least ({year}), less than all from "
        "{first} to {last}. Every policy is scaled down so far.",
        "page",
    ),
    "warn_size": N_(
        "{name} is {times} times as large as in any shipped scenario: outside what was tested.", "page"
    ),
    "warn_assumption": N_("{name} lies outside the range that its sources allow.", "page"),
    "warn_loops": N_("Cut loops: {names}. The numbers are an experiment, no forecast.", "page"),
    "shares": N_("What each policy adds", "page"),
    "shares_wait": N_("What each policy adds is worked out when the sliders rest.", "page"),
    "adds_nothing": N_("adds nothing"),
    "takes_away": N_("takes away"),
    "adds": N_("Adds", "page"),
    "costs": N_("Costs", "page"),
    "costs_all": N_("Costs in all", "page"),
    "shares_exact": N_(
        "{name}, {year}: each policy's part in what all do together (Shapley), the median of {draws}. Medians need not add "
        "up. Costs a year: yuan of the day, the mean of the years in which the plan pays, the median of all draws with 80 % of "
        "them.",
        "page",
    ),
    "shares_sampled": N_(
        "{name}, {year}: each policy's part in what all do together (Shapley, from sampled orders, with their standard "
        "error), the median of {draws}. Medians need not add up. Costs a year: yuan of the day, the mean of the years in which "
        "the plan pays, the median of all draws with 80 % of them.",
        "page",
    ),
    "draws_all": N_("all {among} draws", "page"),
    "draws_some": N_("{draws} of the {among} draws; together, of all", "page"),
    "together_all": N_("Together", "page"),
    "present_value": N_(
        "In all, and for each person: the present value of what is paid, {rate} % a year and in prices of {base}; for each, "
        "over the people added, the median of the draws' ratios.",
        "page",
    ),
    "offers": N_("What other policies would add", "page"),
    "offers_note": N_(
        "{name}, {year}: each alone on top of this plan, at its usual size; the cheapest for each "
        "person first. Press a name to switch it on.",
        "page",
    ),
    "switch_on": N_("Switch on {name}", "page"),
    "go_to": N_("Go to {name}", "page"),
    "changed": N_("{title}, changed", "page"),
    "each": N_("thousand yuan each, in all", "page"),
    "share_a_year": N_("{share} % a year", "page"),
    "plan_name": N_("Name of the plan", "page"),
    "keep": N_("Keep and send", "page"),
    "copy_link": N_("Copy link", "page"),
    "link_copied": N_("The link is copied: whoever has this file opens your plan with it.", "page"),
    "link_copied_here": N_(
        "The link is copied. It opens your plan on this computer, where the page lies; to send the "
        "plan, save the page.",
        "page",
    ),
    "saved": N_("Saved to your downloads: {file}", "page"),
    "link_in_bar": N_("The link stands in the address bar: copy it there.", "page"),
    "save_page": N_("Save page with plan", "page"),
    "save_plan": N_("Save plan (YAML)", "page"),
    "open_plan": N_("Open plan …", "page"),
    "print": N_("Print", "page"),
    "keep_note": N_(
        "The saved page works offline and is the one to send. The plan file runs in talent-sd to the "
        "same numbers; drop one on this page to open it.",
        "page",
    ),
    "trust": N_("How far to trust it", "page"),
    "trust_text": N_(
        "{draws} draws (seed {seed}) of what is uncertain, with the noise of cities and provinces and three "
        "national paths. No back-test speaks to what policies do: that follows from the literature's "
        "ranges.",
        "page",
    ),
    "trust_caption": N_(
        "Forecasts of the past, {first} to {last}: {cities} cities that took no part in the fit", "page"
    ),
    "output": N_("Output", "page"),
    "missed_by": N_("Missed by", "page"),
    "simple_rule": N_("Best simple rule", "page"),
    "held": N_("80 % band held", "page"),
    "here": N_("This city", "page"),
    "trust_here": N_(
        "This city: forecast against actual in 2020, from 2010. All other outputs are not tested.", "page"
    ),
    "safari": N_("Tried in Chromium and Firefox; not in Safari.", "page"),
    "side_by_side": N_("Plans side by side", "page"),
    "range80": N_("80 % range", "page"),
    "better_in": N_("Better in", "page"),
    "yuan_each": N_("Yuan per person", "page"),
    "why_title": N_("Why? {name}", "page"),
    "way_here": N_("The way here", "page"),
    "compared_with": N_("Compared with", "page"),
    "against_none": N_("against no policy", "page"),
    "since_last": N_("since the year before", "page"),
    "value_against": N_("{before} without policy, {now} with the plan.", "page"),
    "value_since": N_("{before} the year before, {now} this year.", "page"),
    "stock_note": N_("It builds up year by year; below is what moves its yearly change.", "page"),
    "start_note": N_("It was fixed at the start.", "page"),
    "causes": N_("What moves {name}, {unit}", "page"),
    "causes_of_change": N_("What moves the yearly change of {name}, {unit}", "page"),
    "cause": N_("Cause", "page"),
    "without": N_("Without", "page"),
    "with_plan": N_("With the plan", "page"),
    "year_before": N_("Year before", "page"),
    "this_year": N_("This year", "page"),
    "does": N_("What it does", "page"),
    "time_itself": N_("Time itself", "page"),
    "together": N_("Several together", "page"),
    "total": N_("In all", "page"),
    "causes_still": N_("Further inputs that do nothing here: {count}", "page"),
    "central_note": N_(
        "These are numbers of the central run, in which every assumption stands at its middle; "
        "charts and sentences tell of {draws} draws around it.",
        "page",
    ),
    "name_in_model": N_("Name in the model:", "page"),
    "model_says": N_("The model says:", "page"),
    "delayed": N_("{name}, delayed", "page"),
    "source_plan": N_("Set by the plan.", "page"),
    "source_city": N_("From the figures of {city}:", "page"),
    "source_model": N_("A constant of {file}, the same in every city.", "page"),
    "link_broken": N_("The link holds no plan that can be read. It may have been cut short.", "page"),
    "link_other": N_(
        "The plan in the link is from another edition: its numbers may differ from those that were "
        "sent. Not known here: {lost}",
        "page",
    ),
    "error_scenario": N_("No scenario '{name}' is on this page. It has: {known}.", "page"),
    "error_policy": N_("Unknown policy '{name}'. Known: {known}.", "page"),
    "error_switch": N_("{name}: write on, off, or settings such as {from: 2025}.", "page"),
    "error_size": N_(
        "{name} is more than the policy takes here: {most} yuan a year at its highest intensity, {highest}. Lower it.",
        "page",
    ),
    "error_setting": N_("Unknown setting '{name}'. Leave it out.", "page"),
    "error_number": N_("{name} is {value}, not a number.", "page"),
    "error_range": N_("{name} is {value}, outside {low} to {high}.", "page"),
    "error_assumption": N_("Unknown constant '{name}'.", "page"),
    "error_national": N_("No national path '{name}' is on this page. It has: {known}.", "page"),
    "error_file": N_("This is no scenario file.", "page"),
}
"""Key -> text."""
